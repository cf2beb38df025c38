import { type Duration, type Instant, later, milliseconds, seconds } from '../api/values/time.ts'
import type { Lease } from './lease.ts'

export interface ElectionTiming {
  /** How long others leave the Lease alone after they saw it change. */
  readonly leaseDuration: Duration
  /** How long after sending its last successful renewal a leader leads. Shorter than the lease: clocks differ in speed. */
  readonly renewDeadline: Duration
  /** Between two tries, of leaders and candidates. */
  readonly retryPeriod: Duration
}

/**
 * A leader that dies is replaced after some 8 to 9 seconds, one that stops cleanly after about one. The price is one
 * write and one read a second with two replicas, what the node leases of twenty kubelets cost; an API server that is
 * away for five seconds ends the leader's term, which costs a restart of its actors and nothing else.
 */
export const DEFAULT_ELECTION_TIMING: ElectionTiming = {
  leaseDuration: seconds(8),
  renewDeadline: seconds(5),
  retryPeriod: seconds(1),
}

/**
 * After how long a request about the Lease counts as lost. A leader whose last renewal was answered at once tries again
 * after 1.2 s at the latest, and after a request that hung at once: two that hang, one after the other, leave 0.8 s of
 * the five for a third.
 */
export const LEASE_REQUEST_TIMEOUT = milliseconds(1_500)

/** A record cannot lock everybody out for longer, whatever somebody wrote into it. */
const LONGEST_RESPECT = seconds(60)

/**
 * What one candidate knows. Times are of its own monotonic clock: times in the Lease are of other people's clocks.
 *
 * Why two never lead at once: a leader counts its time from before it sent the write that succeeded; others count
 * theirs from after they read what that write made of the Lease, and must win a compare-and-set on it. That holds as
 * long as no clock runs faster than another by leaseDuration/renewDeadline, and nobody deletes the Lease by hand while
 * a candidate starts that never saw it. The fence behind all this is the resourceVersion of what a leader writes.
 */
export interface ElectionState {
  readonly seen: Sighting | undefined
  /** Set while this candidate holds the Lease by what it knows. */
  readonly leadsUntil: Instant | undefined
}

interface Sighting {
  /** undefined: there is none. */
  readonly lease: Lease | undefined
  /** When this candidate may take it. */
  readonly freeAt: Instant
}

export const NOTHING_SEEN: ElectionState = { seen: undefined, leadsUntil: undefined }

export function isLeading({ leadsUntil }: ElectionState, now: Instant): boolean {
  return leadsUntil !== undefined && now < leadsUntil
}

/** The Lease was read. A leader that finds another holder, or no Lease at all, leads no longer. */
export function saw(
  state: ElectionState,
  lease: Lease | undefined,
  now: Instant,
  identity: string,
  timing: ElectionTiming,
): ElectionState {
  const before = state.seen
  const leadsUntil = lease?.holder === identity ? state.leadsUntil : undefined
  if (before !== undefined && before.lease?.version === lease?.version) return { ...state, leadsUntil }
  const holder = lease === undefined ? (before?.lease?.holder ?? '') : lease.holder
  const isFree = holder === '' || holder === identity
  const respect = Math.max(timing.leaseDuration, Math.min(lease?.duration ?? 0, LONGEST_RESPECT))
  const freeAt = isFree ? now : later(now, milliseconds(respect))
  return { seen: { lease, freeAt }, leadsUntil }
}

/** A write that makes this candidate the holder succeeded; its time runs from when it was sent. */
export function won(lease: Lease, sentAt: Instant, { renewDeadline }: ElectionTiming): ElectionState {
  return { seen: { lease, freeAt: sentAt }, leadsUntil: later(sentAt, renewDeadline) }
}

/** The Lease is held by this candidate, as far as it knows: it can be renewed without reading it first. */
export function holds({ seen }: ElectionState, identity: string): boolean {
  return seen?.lease?.holder === identity
}

export function mayTake({ seen }: ElectionState, now: Instant): boolean {
  return seen !== undefined && seen.freeAt <= now
}

/** How long to wait after a try that took so long before the next: no longer than until the Lease is free. */
export function nextTryAfter(
  state: ElectionState,
  now: Instant,
  { retryPeriod }: ElectionTiming,
  chance: number,
  took: Duration,
): Duration {
  // Candidates that started together do not stay in step. From one beginning to the next: who waited for an answer in
  // vain has lost time enough.
  const usual = Math.max(0, retryPeriod * (1 + chance / 5) - took)
  const untilFree = (state.seen?.freeAt ?? now) - now
  return milliseconds(Math.ceil(untilFree > 0 ? Math.min(usual, untilFree) : usual))
}
