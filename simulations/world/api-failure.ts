import { ConflictError, ThrottledError, UnavailableError } from '../../src/kube/errors.ts'
import type { ApiError } from '../faults/api-faults.ts'

/** A write that was done, whatever its answer says. */
export const isDone = (error: ApiError) => error === 'done-500' || error === 'done-504'

/** What a process is told. */
export function failure(error: ApiError, what: string): Error {
  switch (error) {
    case 'conflict':
      return new ConflictError(`${what}: the object has been modified (injected)`)
    case 'throttled':
      return new ThrottledError(429, `${what}: too many requests (injected)`, 1)
    case 'internal':
      return new UnavailableError(500, `${what}: etcdserver: leader changed (injected)`)
    case 'done-500':
      return new UnavailableError(500, `${what}: etcdserver: request timed out (injected)`)
    case 'done-504':
      return new UnavailableError(504, `${what}: the server did not answer in time (injected)`)
    case 'refused':
      return new UnavailableError(0, `${what}: connection refused`)
  }
}
