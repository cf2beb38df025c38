import type { KubeObject } from '../../api/object.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { parseFieldSelector } from './field-selector.ts'
import { parseLabelSelector } from './label-selector.ts'

export interface Selection {
  /** Absent or empty: all namespaces. */
  namespace?: string | undefined
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
}

export type ObjectPredicate = (object: KubeObject) => boolean

/** @throws ApiError 400 */
export function compileSelection(resource: ServedResource, selection: Selection): ObjectPredicate {
  const { namespace, labelSelector, fieldSelector } = selection
  const tests: ObjectPredicate[] = []
  if (namespace) tests.push((object) => object.metadata.namespace === namespace)
  if (labelSelector) {
    const accepts = parseLabelSelector(labelSelector)
    tests.push((object) => accepts(object.metadata.labels ?? {}))
  }
  if (fieldSelector) tests.push(parseFieldSelector(resource, fieldSelector))
  return (object) => tests.every((test) => test(object))
}
