import { toInstant } from '../api/values/time.ts'
import type { Clock } from './clock.ts'

/** The machine's own clock: with `systemRandom`, the only place where real time comes in. */
export const systemClock: Clock = {
  now: () => toInstant(Date.now()),
  after(delay, action) {
    const timer = setTimeout(action, delay)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Time since some moment in the past, which no correction of the date moves: for what must not be too long. */
export const monotonicClock: Clock = {
  now: () => toInstant(Math.floor(performance.now())),
  after: systemClock.after,
}
