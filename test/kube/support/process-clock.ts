import { type Duration, type Instant, milliseconds, toInstant } from '../../../src/api/values/time.ts'
import type { Cancel, Clock } from '../../../src/runtime/clock.ts'

/** The clock of one process of several: it may be ahead, go faster or slower, and stand still while it is paused. */
export class ProcessClock implements Clock {
  readonly #real: Clock
  readonly #ahead: Duration
  readonly #rate: number
  #isPaused = false
  #held: (() => void)[] = []

  constructor(real: Clock, { ahead = milliseconds(0), rate = 1 } = {}) {
    this.#real = real
    this.#ahead = ahead
    this.#rate = rate
  }

  now(): Instant {
    return toInstant(this.#real.now() * this.#rate + this.#ahead)
  }

  after(delay: Duration, action: () => void): Cancel {
    let isCancelled = false
    const cancel = this.#real.after(milliseconds(delay / this.#rate), () => {
      this.whenRunning(() => {
        if (!isCancelled) action()
      })
    })
    return () => {
      isCancelled = true
      cancel()
    }
  }

  /** Now, or when the process goes on: a paused one hears nothing. */
  whenRunning(action: () => void): void {
    if (this.#isPaused) this.#held.push(action)
    else action()
  }

  /** As SIGSTOP does. */
  pause(): void {
    this.#isPaused = true
  }

  /** As SIGCONT does. */
  resume(): void {
    this.#isPaused = false
    for (const action of this.#held.splice(0)) action()
  }
}
