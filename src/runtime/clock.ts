import type { Duration, Instant } from '../api/values/time.ts'

export type Cancel = () => void

/** Time, passed in: everything that waits or stamps takes it from here, so that simulations can own it. */
export interface Clock {
  /** In whole milliseconds: what is counted by them is written as an integer. */
  now(): Instant
  /** Runs `action` once after `delay`. The timer alone does not keep the process alive. */
  after(delay: Duration, action: () => void): Cancel
}

export function sleep(clock: Clock, delay: Duration): Promise<void> {
  return new Promise((resolve) => clock.after(delay, resolve))
}
