import { type Duration, type Instant, later, parseInstant } from '../../src/api/values/time.ts'
import type { Cancel, Clock } from '../../src/runtime/clock.ts'

interface Timer {
  due: Instant
  readonly order: number
  readonly action: () => void
}

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  #now: Instant
  #order = 0
  readonly #timers = new Set<Timer>()

  constructor(start: Instant = parseInstant('2026-01-01T00:00:00Z')) {
    this.#now = start
  }

  now(): Instant {
    return this.#now
  }

  after(delay: Duration, action: () => void): Cancel {
    const timer = { due: later(this.#now, delay), order: this.#order++, action }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Somebody sets the clock; timers that are set run after as long as they would have. */
  set(forward: Duration): void {
    this.#now = later(this.#now, forward)
    const timers = [...this.#timers]
    for (const timer of timers) timer.due = later(timer.due, forward)
  }

  /** Timers that are set and have not run. */
  get pending(): number {
    return this.#timers.size
  }

  /** Runs every timer that falls due, in order, each at its own time, and what its promises lead to. */
  async advance(duration: Duration): Promise<void> {
    const end = later(this.#now, duration)
    await this.settle()
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer)
      if (timer.due > this.#now) this.#now = timer.due
      timer.action()
      await this.settle()
    }
    this.#now = end
  }

  /** Lets promises that wait for nothing but each other run to their end; time stands still. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
  }

  #next(end: Instant): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.due > end) continue
      if (
        next === undefined ||
        timer.due < next.due ||
        (timer.due === next.due && timer.order < next.order)
      ) {
        next = timer
      }
    }
    return next
  }
}
