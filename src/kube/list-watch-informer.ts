import type { Logger } from 'pino'
import type { KubeObject } from '../api/object.ts'
import type { ObjectKey } from '../api/values/object-key.ts'
import { between, type Duration, type Instant, milliseconds, minutes, seconds } from '../api/values/time.ts'
import type { Cancel } from '../runtime/clock.ts'
import { type BackoffOptions, backoffDelay } from './backoff.ts'
import { ExpiredError, KindNotServedError, ThrottledError } from './errors.ts'
import type { ChangeHandler, Informer, InformerOptions, InformerScope } from './informer.ts'
import { type Change, type IndexFunction, keyOf, ObjectCache } from './object-cache.ts'
import type { ListOptions, WatchEvent, WatchHandle } from './store.ts'

/** How long a watch must have lived for its end to count as normal. */
const NORMAL_LIFE = seconds(10)
/** How much longer than the idle time-out a reconnection may take before `healthy` says no. */
const GRACE = seconds(60)

/** How often a kind is asked for that the API server does not know. */
const KIND_RETRY = seconds(30)

const nothing: Cancel = () => {}

/**
 * A clean close is resumed. Anything else is backed off and listed again, because after an error neither the resume
 * point nor a server's silence can be trusted: a restored backup takes resourceVersions back, and a watch from a
 * version that is yet to come waits for it without a word.
 */
export class ListWatchInformer implements Informer {
  readonly #options: InformerOptions
  readonly #listOptions: ListOptions
  readonly #relistInterval: Duration
  readonly #idleTimeout: Duration
  readonly #backoff: BackoffOptions
  readonly #log: Logger
  readonly #cache = new ObjectCache()
  readonly #handlers: ChangeHandler[] = []
  /** Moves with each list and each watch: what an earlier one still says is not heard. */
  #generation = 0
  #handle: WatchHandle | undefined
  #resourceVersion = ''
  #failures = 0
  #state: 'new' | 'running' | 'stopped' = 'new'
  #synced = false
  /** Also an empty list: the kind was there. */
  #wasListed = false
  #isKindMissing = false
  #lastContact: Instant | undefined
  readonly #waiters: (() => void)[] = []
  #cancelRetry = nothing
  #cancelIdle = nothing
  #cancelRelist = nothing

  constructor(options: InformerOptions) {
    this.#options = options
    this.#listOptions = listOptionsOf(options.scope ?? {})
    this.#relistInterval = options.relistInterval ?? minutes(10)
    this.#idleTimeout = options.idleTimeout ?? minutes(3)
    this.#backoff = options.backoff ?? { first: milliseconds(500), longest: seconds(30) }
    this.#log = options.log.child({ resource: options.resource.plural, ...options.scope })
  }

  onChange(handler: ChangeHandler): void {
    this.#handlers.push(handler)
  }

  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'running'
    void this.#listAgain()
  }

  stop(): void {
    this.#state = 'stopped'
    this.#nextGeneration()
    this.#cancelRelist()
  }

  get(key: ObjectKey): KubeObject | undefined {
    return this.#cache.get(key)
  }

  list(): KubeObject[] {
    return this.#cache.list()
  }

  addIndex(name: string, valuesOf: IndexFunction): void {
    this.#cache.addIndex(name, (object) => {
      try {
        return valuesOf(object)
      } catch (err) {
        this.#log.error({ err, index: name, key: keyOf(object) }, 'index function failed; object not indexed')
        return []
      }
    })
  }

  byIndex(name: string, value: string): KubeObject[] {
    return this.#cache.byIndex(name, value)
  }

  synced(): boolean {
    return this.#synced
  }

  whenSynced(): Promise<void> {
    return this.#synced ? Promise.resolve() : new Promise((resolve) => this.#waiters.push(resolve))
  }

  lastContact(): Instant | undefined {
    return this.#lastContact
  }

  healthy(now: Instant): boolean {
    const last = this.#lastContact
    return this.#synced && last !== undefined && between(last, now) <= this.#idleTimeout + GRACE
  }

  async #listAgain(): Promise<void> {
    const generation = this.#nextGeneration()
    this.#expectWord(generation)
    try {
      const list = await this.#options.store.list(this.#options.resource, this.#listOptions)
      if (generation !== this.#generation) return
      this.#resourceVersion = list.resourceVersion
      this.#wasListed = true
      if (this.#isKindMissing) this.#log.info('the API server knows this kind now')
      this.#isKindMissing = false
      this.#applyList(list.items)
      // A handler may have stopped the informer.
      if (generation === this.#generation) this.#watch()
    } catch (error) {
      if (generation !== this.#generation) return
      if (error instanceof KindNotServedError && this.#options.withoutKind !== undefined) {
        this.#kindMissing(this.#options.withoutKind)
      } else this.#failed(error, 'list failed')
    }
  }

  #applyList(items: readonly KubeObject[]): void {
    const changes = this.#cache.replace(items)
    this.#lastContact = this.#options.clock.now()
    this.#synced = true
    this.#cancelRelist()
    const jitter = 0.9 + this.#options.random.next() * 0.2
    this.#cancelRelist = this.#options.clock.after(milliseconds(this.#relistInterval * jitter), () => {
      void this.#listAgain()
    })
    this.#notify(changes)
    this.#becameSynced()
  }

  #kindMissing(consequence: string): void {
    const { clock, random } = this.#options
    this.#nextGeneration()
    this.#lastContact = clock.now()
    if (!this.#isKindMissing) {
      const kept = this.#wasListed ? '; what was known of it is kept' : ''
      this.#log.warn(`the API server does not know this kind: ${consequence}${kept}`)
    }
    this.#isKindMissing = true
    if (!this.#wasListed) this.#becameSynced()
    const delay = milliseconds(KIND_RETRY * (0.9 + random.next() * 0.2))
    this.#cancelRetry = clock.after(delay, () => void this.#listAgain())
  }

  #becameSynced(): void {
    this.#synced = true
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #watch(): void {
    const generation = this.#nextGeneration()
    const { clock, store, resource } = this.#options
    const openedAt = clock.now()
    let isHeard = false
    this.#expectWord(generation)
    let handle: WatchHandle
    try {
      handle = store.watch(
        resource,
        { ...this.#listOptions, resourceVersion: this.#resourceVersion },
        {
          event: (event) => {
            if (generation !== this.#generation) return
            isHeard = true
            this.#failures = 0
            this.#expectWord(generation)
            this.#applyEvent(event)
          },
          ended: (error) => {
            if (generation !== this.#generation) return
            const isNormal = isHeard || between(openedAt, clock.now()) >= NORMAL_LIFE
            if (isNormal) this.#failures = 0
            if (error === undefined && isNormal) this.#watch()
            else this.#failed(error ?? new Error('the watch was closed at once'), 'watch ended')
          },
        },
      )
    } catch (error) {
      if (generation === this.#generation) this.#failed(error, 'watch failed')
      return
    }
    // It may have ended, or been stopped by a handler, before the handle was there.
    if (generation === this.#generation) this.#handle = handle
    else handle.stop()
  }

  #applyEvent(event: WatchEvent): void {
    this.#lastContact = this.#options.clock.now()
    if (event.type === 'BOOKMARK') {
      this.#resourceVersion = event.resourceVersion
      return
    }
    this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion
    const { object } = event
    this.#notify(event.type === 'DELETED' ? this.#cache.delete(keyOf(object)) : this.#cache.set(object))
  }

  #failed(error: unknown, what: string): void {
    const { clock, random } = this.#options
    this.#nextGeneration()
    // An expired resume point is nobody's failure, the first time.
    const isRoutine = error instanceof ExpiredError && this.#failures === 0
    let delay = isRoutine ? milliseconds(0) : backoffDelay(this.#backoff, this.#failures, random)
    if (error instanceof ThrottledError)
      delay = milliseconds(Math.max(delay, (error.retryAfterSeconds ?? 0) * 1000))
    this.#failures += 1
    const fields = { err: error, delay, failures: this.#failures }
    if (isRoutine) this.#log.debug(fields, `${what}; listing again`)
    else this.#log.warn(fields, `${what}; listing again after ${delay} ms`)
    this.#cancelRetry = clock.after(delay, () => void this.#listAgain())
  }

  /** Silence for too long is a failure: sockets die without a word, and so do watches from the future. */
  #expectWord(generation: number): void {
    this.#cancelIdle()
    this.#cancelIdle = this.#options.clock.after(this.#idleTimeout, () => {
      if (generation === this.#generation) this.#failed(new WatchStalledError(this.#idleTimeout), 'no word')
    })
  }

  #nextGeneration(): number {
    this.#cancelRetry()
    this.#cancelIdle()
    const handle = this.#handle
    this.#handle = undefined
    this.#generation += 1
    handle?.stop()
    return this.#generation
  }

  #notify(changes: readonly Change[]): void {
    for (const { key, object, previous } of changes) {
      for (const handler of this.#handlers) {
        if (this.#state !== 'running') return
        const failed = (err: unknown) => this.#log.error({ err, key }, 'change handler failed')
        try {
          const outcome: unknown = handler(key, object, previous)
          if (outcome instanceof Promise) outcome.catch(failed)
        } catch (err) {
          failed(err)
        }
      }
    }
  }
}

/** Neither an event nor a bookmark came in time. */
export class WatchStalledError extends Error {
  override readonly name = 'WatchStalledError'
  constructor(readonly idleTimeout: Duration) {
    super(`the API server said nothing for ${idleTimeout / 1000} s`)
  }
}

function listOptionsOf({ namespace, name, labelSelector }: InformerScope): ListOptions {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
  }
}
