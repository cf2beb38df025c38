import type { KubeObject } from '../../src/api/object.ts'
import type { Resource } from '../../src/api/resource.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import type { Duration } from '../../src/api/values/time.ts'
import { UnavailableError } from '../../src/kube/errors.ts'
import { keyOf } from '../../src/kube/object-cache.ts'
import type { ListOptions, ObjectList, Store } from '../../src/kube/store.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import type { ApiFaults } from '../faults/api-faults.ts'
import { failure, isDone } from './api-failure.ts'
import type { ApiServer } from './api-server.ts'
import type { Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'
import { SimulatedWatch, type WatchSwitch } from './simulated-watch.ts'

/** One request to the API and what came of it, for the trace and for faults that strike then. */
export interface ApiRequest {
  readonly process: string
  /** `patch ippools/status` */
  readonly what: string
  readonly isWrite: boolean
  /** `namespace/name` of the object; undefined for lists. */
  readonly object: string | undefined
}

export interface StoreObserver {
  /** It is about to leave: the process may die before it does. */
  leaving(request: ApiRequest): void
  /** The API has dealt with it: the process may die before it hears. */
  done(request: ApiRequest, outcome: string): void
  /** The answer was heard, or was not to be had. */
  heard(request: ApiRequest): void
  /** The process was given an answer, and has not done anything with it yet. */
  answered(request: ApiRequest): void
  /** The process was told how an object stands, by an answer or by a watch. */
  learned(process: string, plural: string, object: KubeObject): void
  watching(process: string, watch: WatchSwitch): void
}

export interface SimulatedStoreOptions {
  life: Life
  clock: Clock
  scheduler: Scheduler
  api: ApiServer
  faults: ApiFaults
  observer: StoreObserver
  /** After so long without an answer a request has failed. */
  timeout: Duration
}

/** The Kubernetes API as one life of one process reaches it: late, with errors, or not at all. */
export function createSimulatedStore(options: SimulatedStoreOptions): Store {
  const { life, clock, scheduler, api, faults, observer, timeout } = options
  const { process } = life

  function ask<T>(
    verb: string,
    resource: Resource,
    object: string | undefined,
    subresource: string | undefined,
    action: () => Promise<T>,
  ): Promise<T> {
    const path = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`
    const isWrite = verb !== 'get' && verb !== 'list'
    const request: ApiRequest = { process, what: `${verb} ${path}`, isWrite, object }
    return new Promise((resolve, reject) => {
      if (life.alive) observer.leaving(request)
      if (!life.alive) return
      if (life.paused) life.held.push(() => send(request, action, resolve, reject))
      else send(request, action, resolve, reject)
    })
  }

  function send<T>(
    request: ApiRequest,
    action: () => Promise<T>,
    resolve: (result: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const { there, back, error } = faults.request(process, request.what, request.isWrite)
    const cancel = clock.after(timeout, () => {
      observer.heard(request)
      reject(new UnavailableError(0, `no answer within ${timeout / 1000} s`))
    })
    const answer = (outcome: () => void) => {
      if (back === undefined) return
      scheduler.after(back, life, () => {
        cancel()
        observer.heard(request)
        outcome()
        observer.answered(request)
      })
    }
    if (there === undefined) return
    // It travels by itself: who sent it may be dead when it arrives.
    scheduler.after(there, scheduler.outside, () => {
      if (error !== undefined && !isDone(error)) {
        observer.done(request, error)
        answer(() => reject(failure(error, request.what)))
        return
      }
      api.as(process, action).then(
        (result) => {
          observer.done(request, 'ok')
          answer(() => (error === undefined ? resolve(result) : reject(failure(error, request.what))))
        },
        (refusal: unknown) => {
          observer.done(request, refusal instanceof Error ? refusal.name : String(refusal))
          answer(() => reject(refusal))
        },
      )
    })
  }

  async function staleList(resource: Resource, listOptions: ListOptions | undefined, age: number) {
    const shown = await api.staleList(resource, listOptions, age)
    if (versionsOf(shown) !== versionsOf(await store.list(resource, listOptions))) {
      faults.showedStaleList(`list ${resource.plural}`)
    }
    return shown
  }

  const { store } = api
  /** Kinds of which the server has forgotten the history: to be listed again before they are watched. */
  const forgotten = new Set<string>()
  return {
    get: (resource, key) =>
      ask('get', resource, formatObjectKey(key), undefined, () => store.get(resource, key)).then((object) => {
        observer.learned(process, resource.plural, object)
        return object
      }),
    list: (resource, listOptions) =>
      ask('list', resource, undefined, undefined, () => {
        const age = faults.staleness(process)
        return age > 0 ? staleList(resource, listOptions, age) : store.list(resource, listOptions)
      }).then((list) => {
        forgotten.delete(resource.plural)
        for (const object of list.items) observer.learned(process, resource.plural, object)
        return list
      }),
    create: (resource, object) =>
      ask('create', resource, formatObjectKey(keyOf(object)), undefined, () =>
        store.create(resource, object),
      ),
    update: (resource, object, subresource) =>
      ask('update', resource, formatObjectKey(keyOf(object)), subresource, () =>
        store.update(resource, object, subresource),
      ),
    patch: (resource, key, patch, subresource) =>
      ask('patch', resource, formatObjectKey(key), subresource, () =>
        store.patch(resource, key, patch, subresource),
      ),
    delete: (resource, key, deleteOptions) =>
      ask('delete', resource, formatObjectKey(key), undefined, () =>
        store.delete(resource, key, deleteOptions),
      ),
    watch(resource, watchOptions, handler) {
      const watch = new SimulatedWatch({
        life,
        scheduler,
        faults,
        what: `watch ${resource.plural}`,
        writtenAt: (event) =>
          api.writtenAt(
            (event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion) ?? '',
          ),
        expired: () => forgotten.add(resource.plural),
        handler: {
          event(event) {
            if (event.type !== 'BOOKMARK') observer.learned(process, resource.plural, event.object)
            handler.event(event)
          },
          ended: handler.ended.bind(handler),
        },
      })
      observer.watching(process, watch)
      watch.open(forgotten.has(resource.plural), (sink) => store.watch(resource, watchOptions, sink))
      return watch
    },
  }
}

/** Which objects a list shows, and as of when. */
function versionsOf({ items }: ObjectList): string {
  return items.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).join()
}
