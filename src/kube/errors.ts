import { type Duration, seconds } from '../api/values/time.ts'

/** What a request to the Kubernetes API can come to; one subclass per way to fail. */
export abstract class StoreError extends Error {
  /** HTTP status; 0 when no answer came. */
  abstract readonly code: number
}

export class NotFoundError extends StoreError {
  override readonly name = 'NotFoundError'
  readonly code = 404
}

/**
 * The API server does not know the kind, or not yet: it is starting, or the CustomResourceDefinition is missing. No
 * NotFoundError, because it says nothing about an object: who takes it for a deletion takes addresses away.
 */
export class KindNotServedError extends StoreError {
  override readonly name = 'KindNotServedError'
  readonly code = 404
}

export class AlreadyExistsError extends StoreError {
  override readonly name = 'AlreadyExistsError'
  readonly code = 409
}

/** The object changed since it was read: read again, decide again. */
export class ConflictError extends StoreError {
  override readonly name = 'ConflictError'
  readonly code = 409
}

/** The resourceVersion is too old (410 Gone): list again. */
export class ExpiredError extends StoreError {
  override readonly name = 'ExpiredError'
  readonly code = 410
}

/** 400, 413, 415, 422: this request will never succeed as it is. */
export class InvalidObjectError extends StoreError {
  override readonly name = 'InvalidObjectError'
  constructor(
    readonly code: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

export class ForbiddenError extends StoreError {
  override readonly name = 'ForbiddenError'
  constructor(
    readonly code: 401 | 403,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** 429, or 503 with Retry-After. */
export class ThrottledError extends StoreError {
  override readonly name = 'ThrottledError'
  constructor(
    readonly code: number,
    message: string,
    readonly retryAfterSeconds: number | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** How long the API server asks to be left alone. */
export function retryAfterOf(error: unknown): Duration | undefined {
  if (!(error instanceof ThrottledError) || error.retryAfterSeconds === undefined) return undefined
  return seconds(error.retryAfterSeconds)
}

/** No answer, or a 5xx: the request may or may not have taken effect. */
export class UnavailableError extends StoreError {
  override readonly name = 'UnavailableError'
  constructor(
    readonly code: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Another process leads: this one was not even asked. */
export class NotLeadingError extends StoreError {
  override readonly name = 'NotLeadingError'
  readonly code = 0
  constructor() {
    super('another process leads: nothing is written')
  }
}
