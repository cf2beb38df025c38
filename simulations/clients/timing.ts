import {
  between,
  type Duration,
  type Instant,
  later,
  milliseconds,
  seconds,
} from '../../src/api/values/time.ts'
import type { ClientHabits } from './habits.ts'

/** RFC 2131 §4.4.5. */
const SHORTEST_RENEWAL_RETRY = seconds(60)

/** How long a question waits for its answer, when it was asked `attempts` times. `fraction` is chance, in [0, 1). */
export function answerTime({ discover }: ClientHabits, attempts: number, fraction: number): Duration {
  if (discover.kind === 'constant') return discover.every
  const wait = Math.min(discover.first * 2 ** (attempts - 1), discover.longest)
  return milliseconds(Math.round(wait + (fraction * 2 - 1) * 1000))
}

/** The same while a lease is renewed; `end` is when this way of asking ends. */
export function renewalAnswerTime(
  habits: ClientHabits,
  attempts: number,
  fraction: number,
  now: Instant,
  end: Instant,
): Duration {
  if (habits.renewal !== 'half') return answerTime(habits, attempts, fraction)
  return milliseconds(Math.max(Math.ceil(between(now, end) / 2), SHORTEST_RENEWAL_RETRY))
}

/** How long a client keeps silent after so many NAKs in a row. */
export function pauseAfterNak({ pauseAfterNak: { first, longest } }: ClientHabits, naks: number): Duration {
  return milliseconds(Math.min(first * 2 ** (naks - 1), longest))
}

export interface LeaseTimes {
  /** T1. */
  readonly renewAt: Instant
  /** T2. */
  readonly rebindAt: Instant
  readonly expiresAt: Instant
}

/** The times of a lease that counts from `since`; RFC 2131 §4.4.5 for those that the server does not tell. */
export function leaseTimes(
  habits: ClientHabits,
  since: Instant,
  leaseSeconds: number,
  told: { readonly renewal: number; readonly rebinding: number } | undefined,
): LeaseTimes {
  const after = (count: number) => later(since, seconds(count))
  const expiresAt = after(leaseSeconds)
  if (habits.renewal === 'udhcpc') return { renewAt: after(leaseSeconds / 2), rebindAt: expiresAt, expiresAt }
  return {
    renewAt: after(told?.renewal ?? leaseSeconds / 2),
    rebindAt: after(told?.rebinding ?? leaseSeconds * 0.875),
    expiresAt,
  }
}
