import type { KubeObject } from '../../api/object.ts'
import { present, type ServedResource } from '../resources/served-resource.ts'
import type { ObjectPredicate } from '../selectors/selection.ts'
import { type ApiError, expired } from '../status.ts'
import type { History } from '../storage/history.ts'
import type { StoredChange } from '../storage/stored-change.ts'
import type { ServedEvent, WatchSink } from './watch-sink.ts'

/**
 * One watch. It keeps no queue of its own: only a cursor into the history of its kind, so a client that
 * does not read costs nothing, and is told "410 Expired" when history has moved on without it.
 */
export class Watcher {
  #cursor: number
  #initial: Iterator<KubeObject> | undefined
  #ready = true
  #ended = false

  constructor(
    private readonly resource: ServedResource,
    private readonly history: History,
    private readonly selects: ObjectPredicate,
    private readonly sink: WatchSink,
    start: { revision: number; initialObjects?: readonly KubeObject[]; announceInitialEnd?: boolean },
  ) {
    this.#cursor = start.revision
    this.#initial = start.initialObjects?.values()
    this.#announceInitialEnd = start.announceInitialEnd === true
  }

  #announceInitialEnd: boolean

  get ended(): boolean {
    return this.#ended
  }

  /** Sends whatever there is, as long as the sink takes it. */
  pump(): void {
    if (!this.#ready || this.#ended) return
    if (!this.#sendInitial()) return
    const changes = this.history.after(this.#cursor)
    if (!changes) {
      this.end(expired(`too old resource version: ${this.#cursor} (${this.history.floor})`))
      return
    }
    for (const change of changes) {
      this.#cursor = change.revision
      const event = this.#eventOf(change)
      if (event && !this.#send(event)) return
    }
  }

  /** The sink can take events again. */
  resume(): void {
    this.#ready = true
    this.pump()
  }

  /** @param revision the latest that is committed: everything up to there has been sent */
  bookmark(revision: number): void {
    this.pump()
    if (!this.#ready || this.#ended) return
    this.#cursor = Math.max(this.#cursor, revision)
    this.#send({ type: 'BOOKMARK', resourceVersion: String(this.#cursor), initialEventsEnd: false })
  }

  end(error?: ApiError): void {
    if (this.#ended) return
    this.#ended = true
    this.sink.end(error)
  }

  /** @returns false when the sink has had enough for now */
  #sendInitial(): boolean {
    while (this.#initial) {
      const { value, done } = this.#initial.next()
      if (done) {
        this.#initial = undefined
      } else if (!this.#send({ type: 'ADDED', object: present(this.resource, value) })) {
        return false
      }
    }
    if (!this.#announceInitialEnd) return true
    this.#announceInitialEnd = false
    return this.#send({ type: 'BOOKMARK', resourceVersion: String(this.#cursor), initialEventsEnd: true })
  }

  #send(event: ServedEvent): boolean {
    this.#ready = this.sink.send(event)
    return this.#ready && !this.#ended
  }

  /** An object that stops matching the selectors is gone as far as this watch can see. */
  #eventOf({ previous, next, removed, revision }: StoredChange): ServedEvent | undefined {
    const matched = previous !== undefined && this.selects(previous)
    const matches = next !== undefined && this.selects(next)
    if (matches) {
      return { type: matched ? 'MODIFIED' : 'ADDED', object: present(this.resource, next) }
    }
    if (!matched) return undefined
    const last = removed ?? withRevision(previous, revision)
    return { type: 'DELETED', object: present(this.resource, last) }
  }
}

function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}
