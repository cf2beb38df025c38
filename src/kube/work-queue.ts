import type { Logger } from 'pino'
import { type Duration, type Instant, later, milliseconds, seconds } from '../api/values/time.ts'
import type { Cancel, Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { type BackoffOptions, backoffDelay } from './backoff.ts'
import { ThrottledError } from './errors.ts'

/** `again`: not finished, back off. `againAfter`: come back after so long; that is no failure. */
export type WorkResult = 'done' | 'again' | { readonly againAfter: Duration }

export interface WorkQueueOptions {
  /** Gets a key, never a payload: it reads what is true now. A rejection counts as `again` and is logged. */
  process: (key: string) => Promise<WorkResult>
  clock: Clock
  random: Random
  log: Logger
  /** How many keys are processed at a time. Default 4. */
  concurrency?: number
  backoff?: BackoffOptions
}

/**
 * Keys that need work. A key that is added twice before its turn is processed once; one that is added during its turn
 * is processed once more; no key is ever processed twice at a time.
 */
export interface WorkQueue {
  /**
   * Ends a pause that the key asked for. While it backs off, news brings the next try forward, yet no closer than the
   * first delay: else a try that fails and changes the object would wake itself in a tight loop.
   */
  add(key: string): void
  /** Keys that wait, back off or are being processed. */
  readonly size: number
  /** Resolves when what is being processed has come to its end; nothing new is begun. */
  close(): Promise<void>
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new KeyedWorkQueue(options)
}

interface Entry {
  state: 'ready' | 'running' | 'paused' | 'backing-off'
  isAddedAgain: boolean
  failures: number
  due: Instant
  cancel: Cancel
}

const nothing: Cancel = () => {}

class KeyedWorkQueue implements WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #concurrency: number
  readonly #backoff: BackoffOptions
  readonly #entries = new Map<string, Entry>()
  readonly #ready: string[] = []
  readonly #running = new Set<Promise<void>>()
  #isClosed = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#concurrency = options.concurrency ?? 4
    this.#backoff = options.backoff ?? { first: milliseconds(200), longest: seconds(60) }
  }

  get size(): number {
    return this.#entries.size
  }

  add(key: string): void {
    if (this.#isClosed) return
    const entry = this.#entries.get(key)
    if (entry === undefined) {
      const fresh: Entry = {
        state: 'ready',
        isAddedAgain: false,
        failures: 0,
        due: this.#options.clock.now(),
        cancel: nothing,
      }
      this.#entries.set(key, fresh)
      this.#makeReady(key, fresh)
    } else if (entry.state === 'running') entry.isAddedAgain = true
    else if (entry.state === 'paused') this.#makeReady(key, entry)
    else if (entry.state === 'backing-off') this.#bringForward(key, entry)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const entry of this.#entries.values()) entry.cancel()
    await Promise.all(this.#running)
    this.#entries.clear()
    this.#ready.length = 0
  }

  #makeReady(key: string, entry: Entry): void {
    entry.cancel()
    entry.state = 'ready'
    this.#ready.push(key)
    this.#startMore()
  }

  #startMore(): void {
    while (!this.#isClosed && this.#running.size < this.#concurrency) {
      const key = this.#ready.shift()
      if (key === undefined) return
      const entry = this.#entries.get(key)
      if (entry === undefined) continue
      entry.state = 'running'
      const run = this.#run(key, entry).finally(() => {
        this.#running.delete(run)
        this.#startMore()
      })
      this.#running.add(run)
    }
  }

  async #run(key: string, entry: Entry): Promise<void> {
    const { process, random, log } = this.#options
    // Not in the caller's turn: whoever adds a key does not run its work.
    await Promise.resolve()
    entry.isAddedAgain = false
    try {
      const result = await process(key)
      if (result === 'again') {
        this.#wait(key, entry, 'backing-off', backoffDelay(this.#backoff, entry.failures++, random))
        return
      }
      entry.failures = 0
      if (entry.isAddedAgain) this.#makeReady(key, entry)
      else if (result === 'done') this.#entries.delete(key)
      else this.#wait(key, entry, 'paused', result.againAfter)
    } catch (err) {
      const asked = err instanceof ThrottledError ? (err.retryAfterSeconds ?? 0) * 1000 : 0
      const delay = milliseconds(Math.max(asked, backoffDelay(this.#backoff, entry.failures++, random)))
      log.warn({ err, key, delay, failures: entry.failures }, 'work failed; trying again')
      this.#wait(key, entry, 'backing-off', delay)
    }
  }

  #wait(key: string, entry: Entry, state: 'paused' | 'backing-off', delay: Duration): void {
    if (this.#isClosed) return
    const { clock } = this.#options
    entry.cancel()
    entry.state = state
    entry.due = later(clock.now(), delay)
    entry.cancel = clock.after(delay, () => this.#makeReady(key, entry))
  }

  #bringForward(key: string, entry: Entry): void {
    const soonest = later(this.#options.clock.now(), this.#backoff.first)
    if (soonest < entry.due) this.#wait(key, entry, 'backing-off', this.#backoff.first)
  }
}
