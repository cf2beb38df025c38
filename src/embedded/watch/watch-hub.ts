import type { KubeObject } from '../../api/object.ts'
import { type Duration, seconds } from '../../api/values/time.ts'
import type { Cancel, Clock } from '../../runtime/clock.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { compileSelection, type Selection } from '../selectors/selection.ts'
import { badRequest, expired } from '../status.ts'
import type { Storage } from '../storage/storage.ts'
import type { WatchSink } from './watch-sink.ts'
import { Watcher } from './watcher.ts'

export interface WatchQuery extends Selection {
  /** Absent, '' or '0': begin with what there is. */
  resourceVersion?: string | undefined
  bookmarks?: boolean
  /** Begin with what there is, and mark where that ends. */
  sendInitialEvents?: boolean
  timeout?: Duration | undefined
}

export interface RunningWatch {
  stop(): void
  /** The sink can take events again. */
  resume(): void
}

const BOOKMARK_INTERVAL = seconds(60)

/** All watches. Events leave in a turn of their own after the commit, in order. */
export class WatchHub {
  readonly #watchers = new Map<string, Set<Watcher>>()
  readonly #changed = new Set<string>()

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
  ) {
    storage.onCommitted(({ storageKey }) => this.#schedule(storageKey))
  }

  /** @throws ApiError 400 for selectors or a resourceVersion that cannot be read */
  watch(resource: ServedResource, query: WatchQuery, sink: WatchSink): RunningWatch {
    const selects = compileSelection(resource, query)
    const revision = parseRevision(query.resourceVersion)
    const watcher = new Watcher(
      resource,
      this.storage.history(resource.storageKey),
      selects,
      sink,
      this.#start(resource, query, revision, selects),
    )
    const watchers = this.#watchers.get(resource.storageKey) ?? new Set()
    this.#watchers.set(resource.storageKey, watchers.add(watcher))
    const timers: Cancel[] = []
    if (query.bookmarks) this.#bookmarkRegularly(watcher, timers)
    const stop = () => {
      for (const cancel of timers) cancel()
      watchers.delete(watcher)
      watcher.end()
    }
    if (query.timeout !== undefined) {
      timers.push(
        this.clock.after(query.timeout, () => {
          if (query.bookmarks) watcher.bookmark(this.storage.committedRevision)
          stop()
        }),
      )
    }
    if (revision > this.storage.committedRevision) {
      // From another life of this server: the history behind it is not ours.
      queueMicrotask(() => watcher.end(expired(`unknown resource version: ${revision}`)))
    }
    this.#schedule(resource.storageKey)
    return { stop, resume: () => watcher.resume() }
  }

  /** Ends every watch; clients resume elsewhere or later. */
  close(): void {
    for (const watchers of this.#watchers.values()) {
      for (const watcher of watchers) watcher.end()
      watchers.clear()
    }
  }

  /** Ends the watches of a kind that is served no longer. */
  closeKind(storageKey: string): void {
    for (const watcher of this.#watchers.get(storageKey) ?? []) watcher.end()
    this.#watchers.delete(storageKey)
  }

  #start(
    resource: ServedResource,
    query: WatchQuery,
    revision: number,
    selects: (object: KubeObject) => boolean,
  ): ConstructorParameters<typeof Watcher>[4] {
    if (revision > 0 && !query.sendInitialEvents) return { revision }
    const initialObjects = [...this.storage.entries(resource.storageKey)]
      .map(([, object]) => object)
      .filter(selects)
    return {
      revision: this.storage.committedRevision,
      initialObjects: query.sendInitialEvents === false ? [] : initialObjects,
      announceInitialEnd: query.sendInitialEvents === true && query.bookmarks === true,
    }
  }

  #bookmarkRegularly(watcher: Watcher, timers: Cancel[]): void {
    const next = () => {
      timers[0] = this.clock.after(BOOKMARK_INTERVAL, () => {
        if (watcher.ended) return
        watcher.bookmark(this.storage.committedRevision)
        next()
      })
    }
    next()
  }

  #schedule(storageKey: string): void {
    if (this.#changed.size === 0) queueMicrotask(() => this.#pumpChanged())
    this.#changed.add(storageKey)
  }

  #pumpChanged(): void {
    const changed = [...this.#changed]
    this.#changed.clear()
    for (const storageKey of changed) {
      const watchers = this.#watchers.get(storageKey)
      for (const watcher of watchers ?? []) {
        watcher.pump()
        if (watcher.ended) watchers?.delete(watcher)
      }
    }
  }
}

/** @returns 0 for "whatever there is" */
export function parseRevision(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(
      `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
    )
  return Number(text)
}
