import type { KubeObject } from '../../api/object.ts'
import type { Instant } from '../../api/values/time.ts'
import type { Fields } from '../json.ts'
import type { ServedResource } from '../resources/served-resource.ts'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

const NAME_COLUMN = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
}

/** Objects as `kubectl get` prints them: the server makes the cells (meta.k8s.io/v1 Table). */
export function tableOf(
  resource: ServedResource,
  objects: readonly KubeObject[],
  metadata: Fields,
  now: Instant,
  include: IncludeObject,
  withDefinitions = true,
): Fields {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withDefinitions ? [NAME_COLUMN, ...definitionsOf(resource)] : null,
    rows: objects.map((object) => ({
      cells: [object.metadata.name, ...resource.columns.map((column) => column.value(object, now))],
      ...(include === 'None' ? {} : { object: include === 'Object' ? object : partialObject(object) }),
    })),
  }
}

function definitionsOf(resource: ServedResource): Fields[] {
  return resource.columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format: format ?? '',
    description: description ?? '',
    priority,
  }))
}

export function partialObject(object: KubeObject): Fields {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}
