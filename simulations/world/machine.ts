import { toInstant } from '../../src/api/values/time.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { type Life, newLife } from './life.ts'
import type { Scheduler } from './scheduler.ts'

/** 2026-01-01T00:00:00Z: when every simulation begins, on a clock that is right. */
export const EPOCH = 1_767_225_600_000

/** Where the lives of one process run, one after the other: clocks and disk outlive them. */
export class Machine {
  readonly #scheduler: Scheduler
  /** Own time passed until `since` of true time, at the rates until then. */
  #elapsed = 0
  #since = 0
  #rate = 1
  /** The wall clock is so much ahead of own time. */
  #ahead = 0
  #isBurying = false
  life: Life
  /** Since when it runs without a break, by true time; undefined: it is down, or paused. */
  upSince: number | undefined

  constructor(
    readonly name: string,
    scheduler: Scheduler,
  ) {
    this.#scheduler = scheduler
    this.life = { ...newLife(name), alive: false }
  }

  /**
   * A machine asks for the time before it starts its processes.
   * @returns the clocks of a new life: the wall clock, and the one that nobody can set
   */
  begin(): { life: Life; clock: Clock; monotonicClock: Clock } {
    const life = newLife(this.name)
    this.setWallClock(-this.error)
    this.life = life
    this.upSince = this.#scheduler.now
    const after: Clock['after'] = (delay, action) => {
      if (life.alive) return this.#scheduler.after(delay / this.#rate, life, action)
      if (this.#isBurying) queueMicrotask(action)
      return () => {}
    }
    return {
      life,
      clock: { now: () => toInstant(EPOCH + Math.floor(this.#own() + this.#ahead)), after },
      monotonicClock: { now: () => toInstant(Math.floor(this.#own())), after },
    }
  }

  /** kill -9: nothing of this life happens any more. */
  kill(): void {
    this.life.alive = false
    this.upSince = undefined
    this.life.held.length = 0
  }

  setWallClock(by: number): void {
    this.#ahead += by
  }

  /** SIGSTOP: what falls due waits. */
  pause(until: number): void {
    this.life.paused = true
    this.life.resumesAt = until
    this.upSince = undefined
  }

  /** SIGCONT. */
  resume(): void {
    if (!this.life.alive || !this.life.paused) return
    this.upSince = this.#scheduler.now
    this.#scheduler.resume(this.life)
  }

  /** Tidies up behind a life that is over: what `tidy` waits for is over at once. */
  bury(tidy: () => void): void {
    this.#isBurying = true
    tidy()
    this.#isBurying = false
  }

  /** How fast its clocks run; 1 is right. */
  setRate(rate: number): void {
    this.#elapsed = this.#own()
    this.#since = this.#scheduler.now
    this.#rate = rate
  }

  /** How far the wall clock is from right, in milliseconds. */
  get error(): number {
    return this.#own() + this.#ahead - this.#scheduler.now
  }

  #own(): number {
    return this.#elapsed + (this.#scheduler.now - this.#since) * this.#rate
  }
}
