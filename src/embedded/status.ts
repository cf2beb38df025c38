import type { Resource } from '../api/resource.ts'
import type { Fields } from './json.ts'

/** One entry of `details.causes` in a metav1.Status. */
export interface StatusCause {
  reason: string
  message: string
  field: string
}

export interface Status extends Fields {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Fields
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: Fields
  /** Of failures only. */
  code?: number
}

/** A refusal in the form in which a kube-apiserver refuses: clients match on `reason` and show `message`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details?: Fields,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  get status(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }
}

type Named = Pick<Resource, 'group' | 'plural'>

/** `ippools.network.harvesterhci.io`, or `pods` for the core group. */
export function qualified({ group, plural }: Named): string {
  return group === '' ? plural : `${plural}.${group}`
}

function detailsOf(resource: Named, name: string, more: Fields = {}): Fields {
  return { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural, ...more }
}

export function notFound(resource: Named, name: string): ApiError {
  return new ApiError(
    404,
    'NotFound',
    `${qualified(resource)} "${name}" not found`,
    detailsOf(resource, name),
  )
}

export function noSuchResource(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function alreadyExists(resource: Named, name: string, isBeingDeleted = false): ApiError {
  return new ApiError(
    409,
    'AlreadyExists',
    `${isBeingDeleted ? 'object is being deleted: ' : ''}${qualified(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  )
}

const OBJECT_MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again'

export function conflict(resource: Named, name: string, why = OBJECT_MODIFIED): ApiError {
  return new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  )
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message)
}

/** `IPPool.network.harvesterhci.io "x" is invalid: spec.cidr: Required value` */
export function invalid(
  kind: Pick<Resource, 'group' | 'kind'>,
  name: string,
  causes: StatusCause[],
): ApiError {
  const lines = causes.map(({ field, message }) => `${field}: ${message}`)
  const what = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
  const list = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`
  return new ApiError(422, 'Invalid', `${what} "${name}" is invalid: ${list}`, {
    name,
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    causes,
  })
}

export function forbidden(resource: Named, name: string, why: string, causes?: StatusCause[]): ApiError {
  return new ApiError(
    403,
    'Forbidden',
    `${qualified(resource)} "${name}" is forbidden: ${why}`,
    detailsOf(resource, name, causes ? { causes } : {}),
  )
}

/** What a denied request looks like when an admission webhook answers without a reason of its own. */
export function deniedByAdmission(message: string): ApiError {
  return new ApiError(
    403,
    'Forbidden',
    `admission webhook "validator.network.harvesterhci.io" denied the request: ${message}`,
  )
}

export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message)
}

export function tooLargeResourceVersion(wanted: number, current: number): ApiError {
  return new ApiError(504, 'Timeout', `Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' }],
    retryAfterSeconds: 1,
  })
}

export function methodNotAllowed(): ApiError {
  return new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  )
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  return new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )
}

export function requestTooLarge(bytes: number): ApiError {
  return new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${bytes}`)
}

export function success(details: Fields): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}
