import type { KubeObject } from '../../api/object.ts'
import { apiVersionOf } from '../../api/resource.ts'
import { clone, isFields } from '../json.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { badRequest } from '../status.ts'
import { applyDefaults } from './defaults.ts'
import { decodeMetadata } from './metadata.ts'
import { prune } from './prune.ts'

/** What to do with fields that the schema does not name. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

export interface Decoded {
  object: KubeObject
  /** `unknown field "spec.foo"`; the fields themselves are gone. */
  strictErrors: string[]
}

/**
 * An object as a client sent it → the object as this server understands it: pruned and with defaults.
 * @throws ApiError 400
 */
export function decodeObject(resource: ServedResource, body: unknown): Decoded {
  if (!isFields(body)) throw badRequest('the body of the request is not an object')
  checkType(resource, body)
  const { metadata, unknownFields } = decodeMetadata(body.metadata)
  const object: KubeObject = {
    ...clone({ ...body, metadata: undefined }),
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata,
  }
  const dropped = [...unknownFields, ...prune(object, resource.schema)]
  applyDefaults(object, resource.schema)
  return { object, strictErrors: dropped.map((path) => `unknown field "${path}"`) }
}

function checkType(resource: ServedResource, body: { apiVersion?: unknown; kind?: unknown }): void {
  const expected = apiVersionOf(resource)
  if (resource.custom && (body.kind === undefined || body.kind === '')) {
    throw badRequest(`Object 'Kind' is missing in the request body, expected ${resource.kind}`)
  }
  if (body.apiVersion !== undefined && body.apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${String(body.apiVersion)}) does not match the expected API version (${expected})`,
    )
  }
  if (body.kind !== undefined && body.kind !== resource.kind) {
    throw badRequest(
      `the kind in the data (${String(body.kind)}) does not match the expected kind (${resource.kind})`,
    )
  }
}
