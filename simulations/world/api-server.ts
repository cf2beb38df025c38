import type { Logger } from 'pino'
import type { KubeObject } from '../../src/api/object.ts'
import { kubeObjectSchema } from '../../src/api/object.ts'
import type { Resource } from '../../src/api/resource.ts'
import { toInstant } from '../../src/api/values/time.ts'
import { memoryBackend } from '../../src/embedded/backend/memory-backend.ts'
import { defaultCrdDirectories, readCrdFiles } from '../../src/embedded/crd-files.ts'
import { createDirectStore } from '../../src/embedded/direct-store.ts'
import { openCore } from '../../src/embedded/open-core.ts'
import type { ServedResource } from '../../src/embedded/resources/served-resource.ts'
import { Storage } from '../../src/embedded/storage/storage.ts'
import type { ListOptions, ObjectList, Store } from '../../src/kube/store.ts'
import type { Chance } from './chance.ts'
import { EPOCH } from './machine.ts'
import type { Scheduler } from './scheduler.ts'

/** One change of one object, as the API has it from now on. */
export interface CommittedChange {
  readonly plural: string
  readonly previous: KubeObject | undefined
  /** Undefined: it is gone. */
  readonly next: KubeObject | undefined
  /** Who asked for it: a process, `operator`, or `api` for its own garbage collector. */
  readonly by: string
}

/** The Kubernetes API of a simulation: the embedded one, in memory, by true time. */
export interface ApiServer {
  readonly store: Store
  /** What `action` asks of the store is asked by `process`. */
  as<T>(process: string, action: () => Promise<T>): Promise<T>
  /** The list as it was so many milliseconds ago, or as long ago as history goes. */
  staleList(resource: Resource, options: ListOptions | undefined, age: number): Promise<ObjectList>
  /** When what has this version was written, by true time. */
  writtenAt(resourceVersion: string): number
  onCommit(listener: (change: CommittedChange) => void): void
}

let definitions: readonly unknown[] | undefined

/** @throws CrdFileError */
export async function openApiServer(scheduler: Scheduler, chance: Chance, log: Logger): Promise<ApiServer> {
  definitions ??= readCrdFiles(defaultCrdDirectories())
  const clock = {
    now: () => toInstant(EPOCH + Math.floor(scheduler.now)),
    after: (delay: number, action: () => void) => scheduler.after(delay, scheduler.outside, action),
  }
  const storage = new Storage(memoryBackend, (json) => kubeObjectSchema.parse(JSON.parse(json)))
  const { core } = await openCore({ storage, definitions, clock, random: chance, log })
  const store = createDirectStore(core, (error) => {
    throw error
  })
  const listeners: ((change: CommittedChange) => void)[] = []
  /** Revisions, and when they were the latest. */
  const past = [{ at: scheduler.now, revision: storage.committedRevision }]
  let asking = 'api'
  storage.onCommitted(({ storageKey, previous, next, revision }) => {
    past.push({ at: scheduler.now, revision })
    const plural = storageKey.slice(storageKey.indexOf('/') + 1)
    for (const listener of listeners) listener({ plural, previous, next, by: asking })
  })

  function served(resource: Resource): ServedResource {
    const found = core.registry.find(resource)
    if (found === undefined) throw new RangeError(`the API does not serve ${resource.plural}`)
    return found
  }

  return {
    store,
    async as(process, action) {
      asking = process
      try {
        return await action()
      } finally {
        asking = 'api'
      }
    },
    async staleList(resource, options, age) {
      const then = past.findLast(({ at }) => at <= scheduler.now - age)
      if (then === undefined) return store.list(resource, options)
      const page = core.list(served(resource), {
        ...options,
        resourceVersion: String(then.revision),
        resourceVersionMatch: 'Exact',
      })
      return { items: structuredClone(page.items), resourceVersion: page.resourceVersion }
    },
    writtenAt(resourceVersion) {
      const revision = Number(resourceVersion)
      return past.findLast((then) => then.revision <= revision)?.at ?? 0
    },
    onCommit: (listener) => listeners.push(listener),
  }
}
