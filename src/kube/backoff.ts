import { type Duration, milliseconds } from '../api/values/time.ts'
import type { Random } from '../runtime/random.ts'

export interface BackoffOptions {
  readonly first: Duration
  readonly longest: Duration
}

/**
 * The delay before retry `attempt` (0 is the first): doubles up to the longest, and of that between half and all, so
 * that clients which lost one server do not come back in step.
 */
export function backoffDelay({ first, longest }: BackoffOptions, attempt: number, random: Random): Duration {
  const ceiling = Math.min(longest, first * 2 ** Math.min(attempt, 30))
  return milliseconds(Math.round(ceiling * (0.5 + random.next() / 2)))
}
