import { type Instant, milliseconds, toInstant } from '../../src/api/values/time.ts'
import type { Cancel, Clock } from '../../src/runtime/clock.ts'
import { EPOCH } from './machine.ts'
import type { Scheduler } from './scheduler.ts'

/** How the clock of a guest goes on that stood still: as if no time had passed, or put right. */
export type GoesOn = 'stood-still' | 'put-right'

/** What a clock shows, and how far behind true time it was up to there. */
export interface ClockReading {
  readonly at: number
  readonly shifts: readonly Shift[]
}

interface Shift {
  /** Milliseconds since the simulation began, by this clock. */
  readonly from: number
  readonly behind: number
}

interface Timer {
  readonly due: number
  readonly action: () => void
  cancel: Cancel
}

/** The clock of a guest: as long as the guest is suspended it stands still, and no timer of the guest runs. */
export class GuestClock implements Clock {
  readonly #scheduler: Scheduler
  readonly #timers = new Set<Timer>()
  #shifts: readonly Shift[]
  #standsAt: number | undefined

  /** @param since stands where the clock of a snapshot stood; else it is right, and goes */
  constructor(scheduler: Scheduler, since?: ClockReading) {
    this.#scheduler = scheduler
    this.#shifts = since?.shifts ?? []
    this.#standsAt = since?.at
  }

  get isStanding(): boolean {
    return this.#standsAt !== undefined
  }

  now(): Instant {
    return toInstant(EPOCH + Math.floor(this.#shows()))
  }

  after(delay: number, action: () => void): Cancel {
    const timer: Timer = { due: this.#shows() + delay, action, cancel: () => {} }
    this.#timers.add(timer)
    if (!this.isStanding) this.#arm(timer, delay)
    return () => {
      this.#timers.delete(timer)
      timer.cancel()
    }
  }

  stand(): void {
    this.#standsAt = this.#shows()
    for (const timer of this.#timers) timer.cancel()
  }

  goOn(how: GoesOn): void {
    if (this.#standsAt === undefined) return
    const from = this.#standsAt
    this.#shifts = [...this.#shifts, { from, behind: how === 'put-right' ? 0 : this.#scheduler.now - from }]
    this.#standsAt = undefined
    for (const timer of this.#timers) this.#arm(timer, timer.due - this.#shows())
  }

  reading(): ClockReading {
    return { at: this.#shows(), shifts: this.#shifts }
  }

  /** When it was by true time that this clock showed it. */
  trueTime(shown: Instant): Instant {
    const { behind = 0 } = this.#shifts.findLast(({ from }) => from < shown - EPOCH) ?? {}
    return toInstant(shown + behind)
  }

  #shows(): number {
    return this.#standsAt ?? this.#scheduler.now - (this.#shifts.at(-1)?.behind ?? 0)
  }

  #arm(timer: Timer, delay: number): void {
    timer.cancel = this.#scheduler.after(milliseconds(delay), this.#scheduler.outside, () => {
      this.#timers.delete(timer)
      timer.action()
    })
  }
}
