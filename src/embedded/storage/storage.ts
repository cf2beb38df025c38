import type { KubeObject } from '../../api/object.ts'
import type { Backend } from '../backend/backend.ts'
import { ApiError } from '../status.ts'
import { Collection } from './collection.ts'
import { History, type HistoryLimits } from './history.ts'
import { objectId, type StoredChange } from './stored-change.ts'

interface Waiting {
  change: StoredChange
  json: string | undefined
  committed(): void
  failed(error: ApiError): void
}

/** etcd's limit for one request; an object above it would be refused on a real cluster too. */
const MAX_OBJECT_BYTES = 1.5 * 1024 * 1024

/**
 * Every object, in two views: what is committed (readers and watchers see that) and what is decided
 * (writers build on that), so that a write may follow another one before the disk has answered, and
 * nobody is ever told of a state that a crash can take back.
 */
export class Storage {
  readonly #collections = new Map<string, Collection>()
  readonly #histories = new Map<string, History>()
  readonly #decided = new Map<string, StoredChange>()
  readonly #listeners: ((change: StoredChange) => void)[] = []
  readonly #loadedRevision: number
  #waiting: Waiting[] = []
  #flushing: Promise<void> | undefined
  #lastRevision: number
  #committedRevision: number

  constructor(
    private readonly backend: Backend,
    parse: (json: string) => KubeObject,
    private readonly historyLimits?: HistoryLimits,
  ) {
    const { revision, objects } = backend.load()
    this.#loadedRevision = revision
    this.#lastRevision = revision
    this.#committedRevision = revision
    for (const [key, json] of objects) {
      const { storageKey, id } = splitKey(key)
      this.#collection(storageKey).set(id, parse(json))
    }
  }

  get committedRevision(): number {
    return this.#committedRevision
  }

  /** Runs for every committed change, in order, before the writer is answered. */
  onCommitted(listener: (change: StoredChange) => void): void {
    this.#listeners.push(listener)
  }

  committed(storageKey: string, namespace: string, name: string): KubeObject | undefined {
    return this.#collections.get(storageKey)?.get(objectId(namespace, name))
  }

  /** What a writer must build on. */
  decided(storageKey: string, namespace: string, name: string): KubeObject | undefined {
    const change = this.#decided.get(joinKey(storageKey, objectId(namespace, name)))
    return change ? change.next : this.committed(storageKey, namespace, name)
  }

  entries(storageKey: string): Iterable<[id: string, object: KubeObject]> {
    return this.#collections.get(storageKey)?.entries() ?? []
  }

  count(storageKey: string): number {
    return this.#collections.get(storageKey)?.size ?? 0
  }

  history(storageKey: string): History {
    let history = this.#histories.get(storageKey)
    if (!history) {
      history = new History(this.#loadedRevision, this.historyLimits)
      this.#histories.set(storageKey, history)
    }
    return history
  }

  /**
   * Commits `next` (undefined: a deletion of `previous`), stamped with a resourceVersion of its own.
   * @returns the object as it was stored, or its last state when it was deleted
   * @throws ApiError 500 when the backend refuses; the object is then unchanged
   */
  async commit(
    storageKey: string,
    previous: KubeObject | undefined,
    next: KubeObject | undefined,
  ): Promise<KubeObject> {
    const subject = next ?? previous
    if (!subject) throw new RangeError('a change needs an object')
    const revision = this.#lastRevision + 1
    const stamped = stamp(subject, revision)
    const json = next ? JSON.stringify(stamped) : undefined
    if (json !== undefined && json.length > MAX_OBJECT_BYTES) {
      throw new ApiError(500, '', 'etcdserver: request is too large')
    }
    this.#lastRevision = revision
    const change: StoredChange = {
      storageKey,
      namespace: subject.metadata.namespace ?? '',
      name: subject.metadata.name,
      revision,
      previous,
      next: next ? stamped : undefined,
      removed: next ? undefined : stamped,
      bytes: json?.length ?? 0,
    }
    this.#decided.set(keyOf(change), change)
    await new Promise<void>((committed, failed) => {
      this.#waiting.push({ change, json, committed, failed })
      this.#flushing ??= this.#flush()
    })
    return stamped
  }

  /** Resolves when all that was decided so far is committed or refused. */
  async settled(): Promise<void> {
    while (this.#flushing) await this.#flushing
  }

  async close(): Promise<void> {
    await this.settled()
    await this.backend.close()
  }

  /** One fsync for all that waits; what arrives meanwhile makes the next batch. */
  async #flush(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        const writes = batch.map(({ change, json }) => ({ key: keyOf(change), json }))
        await this.backend.write(writes, batch.at(-1)?.change.revision ?? this.#lastRevision)
      } catch (cause) {
        this.#refuse([...batch, ...this.#waiting], cause)
        continue
      }
      for (const { change } of batch) this.#apply(change)
      for (const { committed } of batch) committed()
    }
    this.#flushing = undefined
  }

  #apply(change: StoredChange): void {
    const key = keyOf(change)
    this.#collection(change.storageKey).set(objectId(change.namespace, change.name), change.next)
    if (this.#decided.get(key) === change) this.#decided.delete(key)
    this.#committedRevision = change.revision
    this.history(change.storageKey).append(change)
    for (const listener of this.#listeners) listener(change)
  }

  /** Whatever was decided after a refused write was decided on a state that will never be. */
  #refuse(refused: Waiting[], cause: unknown): void {
    this.#waiting = []
    this.#decided.clear()
    const reason = cause instanceof Error ? cause.message : String(cause)
    const error = new ApiError(500, 'InternalError', `Internal error occurred: ${reason}`, undefined, {
      cause,
    })
    for (const { failed } of refused) failed(error)
  }

  #collection(storageKey: string): Collection {
    let collection = this.#collections.get(storageKey)
    if (!collection) {
      collection = new Collection()
      this.#collections.set(storageKey, collection)
    }
    return collection
  }
}

function stamp(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}

function keyOf({ storageKey, namespace, name }: StoredChange): string {
  return joinKey(storageKey, objectId(namespace, name))
}

function joinKey(storageKey: string, id: string): string {
  return `${storageKey} ${id}`
}

function splitKey(key: string): { storageKey: string; id: string } {
  const space = key.indexOf(' ')
  return { storageKey: key.slice(0, space), id: key.slice(space + 1) }
}
