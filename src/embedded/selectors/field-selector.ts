import type { KubeObject } from '../../api/object.ts'
import { valueAt } from '../json.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { badRequest } from '../status.ts'

export type FieldPredicate = (object: KubeObject) => boolean

const ALWAYS = ['metadata.name', 'metadata.namespace']

/** The fields, in the stored form, that may select objects of a built-in kind. */
const SELECTABLE: Readonly<Record<string, readonly string[]>> = {
  '/events': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  '/pods': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
  ],
  '/namespaces': ['status.phase'],
  '/nodes': ['spec.unschedulable'],
  '/secrets': ['type'],
}

/** events.k8s.io/v1 selects by its own names. */
const RENAMED: Readonly<Record<string, string>> = {
  regarding: 'involvedObject',
  reportingController: 'reportingComponent',
}

const TERM = /^([^\s=!]+?)\s*(==|=|!=)\s*(.*)$/

/**
 * `metadata.name=x,type!=Normal`
 * @throws ApiError 400 also for a field that does not select this kind
 */
export function parseFieldSelector(resource: ServedResource, selector: string): FieldPredicate {
  const supported = [...ALWAYS, ...(SELECTABLE[resource.storageKey] ?? [])]
  const terms = selector
    .split(/(?<!\\),/)
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const match = TERM.exec(part.trim())
      if (!match) throw badRequest(`invalid field selector: "${selector}"; can't understand "${part}"`)
      const [, field = '', operator, value = ''] = match
      const path = field.split('.')
      path[0] = RENAMED[path[0] ?? ''] ?? path[0] ?? ''
      if (!supported.includes(path.join('.'))) throw badRequest(`field label not supported: ${field}`)
      return { path, equal: operator !== '!=', value: value.replace(/\\([\\,=])/g, '$1') }
    })
  return (object) =>
    terms.every(({ path, equal, value }) => (String(selectedValue(object, path)) === value) === equal)
}

function selectedValue(object: KubeObject, path: string[]): unknown {
  if (path.length === 1 && path[0] === 'source') return valueAt(object, 'source', 'component') ?? ''
  return valueAt(object, ...path) ?? ''
}
