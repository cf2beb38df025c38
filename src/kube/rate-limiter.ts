import { type Instant, later, milliseconds, toInstant } from '../api/values/time.ts'
import type { Clock } from '../runtime/clock.ts'
import { sleep } from '../runtime/clock.ts'

export interface RateLimit {
  readonly requestsPerSecond: number
  readonly burst: number
}

/** A token bucket; who finds it empty waits in line. */
export class RateLimiter {
  readonly #interval: number
  readonly #burst: number
  readonly #clock: Clock
  /** When the next token would be there if none had been saved up. */
  #next: Instant

  constructor({ requestsPerSecond, burst }: RateLimit, clock: Clock) {
    this.#interval = 1000 / requestsPerSecond
    this.#burst = burst
    this.#clock = clock
    this.#next = toInstant(0)
  }

  async take(): Promise<void> {
    const now = this.#clock.now()
    const oldest = now - (this.#burst - 1) * this.#interval
    const slot = Math.max(this.#next, oldest)
    this.#next = later(toInstant(slot), milliseconds(this.#interval))
    if (slot > now) await sleep(this.#clock, milliseconds(slot - now))
  }
}
