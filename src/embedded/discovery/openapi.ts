import { createHash } from 'node:crypto'
import { type Fields, omit } from '../json.ts'
import type { Registry } from '../resources/registry.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { META_SCHEMAS, OBJECT_META_REF } from './meta-schemas.ts'

/** GET /openapi/v3: where the document of each group and version is. */
export function openApiIndex(registry: Registry): Fields {
  const paths: Fields = {}
  for (const [group, versions] of registry.groups()) {
    for (const version of versions) {
      const path = group === '' ? `api/${version}` : `apis/${group}/${version}`
      const document = JSON.stringify(openApiDocument(registry, group, version))
      const hash = createHash('sha256').update(document).digest('hex').toUpperCase()
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }
    }
  }
  return { paths }
}

/**
 * GET /openapi/v3/…: the schemas for `kubectl explain`, and the operations with the parameters that
 * kubectl looks for before it sends `fieldValidation` and `dryRun`.
 */
export function openApiDocument(registry: Registry, group: string, version: string): Fields {
  const resources = registry.inGroupVersion(group, version)
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.32.0' },
    paths: Object.fromEntries(resources.flatMap(pathsOf)),
    components: {
      schemas: {
        ...Object.fromEntries(resources.map((resource) => [schemaName(resource), schemaOf(resource)])),
        ...META_SCHEMAS,
      },
    },
  }
}

function schemaName({ group, version, kind }: ServedResource): string {
  const reversed = (group === '' ? 'core.api.k8s.io' : group).split('.').reverse().join('.')
  return `${reversed}.${version}.${kind}`
}

function schemaOf(resource: ServedResource): Fields {
  const { schema, group, version, kind } = resource
  return {
    ...omit(schema, 'properties'),
    type: 'object',
    properties: {
      ...schema.properties,
      apiVersion: {
        type: 'string',
        description: 'APIVersion defines the versioned schema of this representation of an object.',
      },
      kind: {
        type: 'string',
        description: 'Kind is a string value representing the REST resource this object represents.',
      },
      metadata: { description: "Standard object's metadata.", allOf: [{ $ref: OBJECT_META_REF }] },
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  }
}

const query = (name: string, description: string, type = 'string'): Fields => ({
  name,
  in: 'query',
  description,
  schema: { type, uniqueItems: true },
})

const DRY_RUN = query('dryRun', 'All: do everything but store the object.')
const FIELD_MANAGER = query('fieldManager', 'Who makes the change.')
const FIELD_VALIDATION = query('fieldValidation', 'Strict, Warn or Ignore: what to do with unknown fields.')
const WRITE_PARAMETERS = [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION]
const LIST_PARAMETERS = [
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'watch',
].map((name) => query(name, name))

function pathsOf(resource: ServedResource): [string, Fields][] {
  const { group, version, plural, namespaced, verbs } = resource
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const collection = namespaced ? `${base}/namespaces/{namespace}/${plural}` : `${base}/${plural}`
  const operation = (action: string, parameters: Fields[]) => operationOf(resource, action, parameters)
  const create = { post: operation('post', WRITE_PARAMETERS) }
  if (!verbs.includes('get')) return [[collection, create]]
  const item: Fields = {
    get: operation('get', []),
    put: operation('put', WRITE_PARAMETERS),
    patch: operation('patch', [...WRITE_PARAMETERS, query('force', 'Take fields over.', 'boolean')]),
    delete: operation('delete', [DRY_RUN]),
  }
  const paths: [string, Fields][] = [
    [
      collection,
      {
        get: operation('list', LIST_PARAMETERS),
        ...create,
        delete: operation('deletecollection', [DRY_RUN, ...LIST_PARAMETERS]),
      },
    ],
    [`${collection}/{name}`, item],
  ]
  if (resource.statusSubresource) paths.push([`${collection}/{name}/status`, omit(item, 'delete')])
  return paths
}

function operationOf(resource: ServedResource, action: string, parameters: Fields[]): Fields {
  const { group, version, kind } = resource
  const content = { 'application/json': { schema: { $ref: `#/components/schemas/${schemaName(resource)}` } } }
  return {
    operationId: `${action}${kind}`,
    parameters,
    ...(action === 'post' || action === 'put' || action === 'patch' ? { requestBody: { content } } : {}),
    responses: { 200: { description: 'OK', content } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
  }
}
