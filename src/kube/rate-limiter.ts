import { between, type Duration, type Instant, later, milliseconds, toInstant } from '../api/values/time.ts'
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
  #pausedUntil: Instant
  #lastLook: Instant

  constructor({ requestsPerSecond, burst }: RateLimit, clock: Clock) {
    this.#interval = 1000 / requestsPerSecond
    this.#burst = burst
    this.#clock = clock
    this.#next = toInstant(0)
    this.#pausedUntil = toInstant(0)
    this.#lastLook = clock.now()
  }

  /** Nobody gets a token before that: the server said that it has too much to do. */
  pause(duration: Duration): void {
    this.#pausedUntil = toInstant(Math.max(this.#pausedUntil, this.#look() + duration))
  }

  async take(): Promise<void> {
    do {
      const now = this.#look()
      const oldest = now - (this.#burst - 1) * this.#interval
      const slot = Math.max(this.#next, oldest, this.#pausedUntil)
      this.#next = later(toInstant(slot), milliseconds(this.#interval))
      if (slot > now) await sleep(this.#clock, milliseconds(slot - now))
      // Who waited through the beginning of a pause lines up again.
    } while (this.#look() < this.#pausedUntil)
  }

  /** A clock that was set back must not make everybody wait until it is as late again. */
  #look(): Instant {
    const now = this.#clock.now()
    if (now < this.#lastLook) {
      const step = between(this.#lastLook, now)
      this.#next = later(this.#next, step)
      this.#pausedUntil = later(this.#pausedUntil, step)
    }
    this.#lastLook = now
    return now
  }
}
