import type { KubeObject } from '../api/object.ts'
import { apiVersionOf, type Resource } from '../api/resource.ts'
import type { ObjectKey } from '../api/values/object-key.ts'
import {
  AlreadyExistsError,
  ConflictError,
  ExpiredError,
  ForbiddenError,
  InvalidObjectError,
  KindNotServedError,
  NotFoundError,
  type StoreError,
  ThrottledError,
  UnavailableError,
} from '../kube/errors.ts'
import type { Store, WatchEvent } from '../kube/store.ts'
import type { ApiCore } from './api-core.ts'
import { clone } from './json.ts'
import type { ServedResource } from './resources/served-resource.ts'
import { ApiError, noSuchResource } from './status.ts'
import type { RunningWatch } from './watch/watch-hub.ts'
import type { ServedEvent, WatchSink } from './watch/watch-sink.ts'

/** Where a throwing watch handler is reported. */
type Report = (error: unknown) => void

/** The embedded API without HTTP in between: what the actors of one process use. */
export function createDirectStore(core: ApiCore, report: Report): Store {
  const served = (resource: Resource): ServedResource => {
    const found = core.registry.find(resource)
    if (!found) throw noSuchResource()
    return found
  }
  return {
    get: (resource, key) =>
      answer(() => clone(core.get(served(resource), namespaceOf(resource, key), key.name))),
    list: (resource, options = {}) =>
      answer(() => {
        const page = core.list(served(resource), options)
        return { items: clone(page.items), resourceVersion: page.resourceVersion }
      }),
    watch(resource, options, handler) {
      let running: RunningWatch | undefined
      let stopped = false
      const sink: WatchSink = {
        send(event) {
          if (!stopped) guarded(report, () => handler.event(toWatchEvent(event)))
          return !stopped
        },
        end: (error) => guarded(report, () => handler.ended(error && toStoreError(error))),
      }
      try {
        running = core.watch(served(resource), { ...options, bookmarks: true }, sink)
      } catch (error) {
        queueMicrotask(() => sink.end(toApiError(error)))
      }
      return {
        stop() {
          stopped = true
          running?.stop()
        },
      }
    },
    create: (resource, object) =>
      answer(async () => {
        const namespace = resource.namespaced ? (object.metadata.namespace ?? 'default') : ''
        const written = await core.create(served(resource), namespace, typed(resource, object))
        return clone(written.object)
      }),
    update: (resource, object, subresource) =>
      answer(async () => {
        const { namespace = 'default', name } = object.metadata
        const written = await core.update(
          served(resource),
          resource.namespaced ? namespace : '',
          name,
          typed(resource, object),
          { subresource },
        )
        return clone(written.object)
      }),
    patch: (resource, key, patch, subresource) =>
      answer(async () => {
        const namespace = namespaceOf(resource, key)
        const written = await core.patch(served(resource), namespace, key.name, patch, { subresource })
        return clone(written.object)
      }),
    delete: (resource, key, { uid, resourceVersion } = {}) =>
      answer(async () => {
        await core.delete(served(resource), namespaceOf(resource, key), key.name, {
          preconditions: { uid, resourceVersion },
        })
      }),
  }
}

function namespaceOf(resource: Resource, key: ObjectKey): string {
  return resource.namespaced ? key.namespace : ''
}

function typed(resource: Resource, object: KubeObject): KubeObject {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }
}

async function answer<T>(request: () => T | Promise<T>): Promise<T> {
  try {
    return await request()
  } catch (error) {
    throw toStoreError(toApiError(error))
  }
}

function guarded(report: Report, call: () => void): void {
  try {
    call()
  } catch (error) {
    report(error)
  }
}

function toWatchEvent(event: ServedEvent): WatchEvent {
  if (event.type === 'BOOKMARK') return { type: 'BOOKMARK', resourceVersion: event.resourceVersion }
  return { type: event.type, object: clone(event.object) }
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new ApiError(500, 'InternalError', `Internal error occurred: ${why}`, undefined, { cause: error })
}

function toStoreError(error: ApiError): StoreError {
  const options = { cause: error }
  switch (error.code) {
    case 404:
      // As over HTTP: who does not know the kind has no object to name.
      return error.details?.name
        ? new NotFoundError(error.message, options)
        : new KindNotServedError(error.message, options)
    case 409:
      return error.reason === 'AlreadyExists'
        ? new AlreadyExistsError(error.message, options)
        : new ConflictError(error.message, options)
    case 410:
      return new ExpiredError(error.message, options)
    case 401:
    case 403:
      return new ForbiddenError(error.code, error.message, options)
    case 429:
      return new ThrottledError(error.code, error.message, undefined, options)
    default:
      return error.code < 500
        ? new InvalidObjectError(error.code, error.message, options)
        : new UnavailableError(error.code, error.message, options)
  }
}
