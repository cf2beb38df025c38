import type { IPPool } from '../../src/api/ippool.ts'
import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type Duration, type Instant, later, milliseconds, seconds } from '../../src/api/values/time.ts'
import { remember } from './adopt.ts'
import { restFromNow } from './book.ts'
import type { CommitFailure, PoolEffect, PoolMessage } from './messages.ts'
import { recordNotices } from './notices.ts'
import { whoMayAskAgain } from './refusals.ts'
import { refuseRequest } from './requests.ts'
import type { PoolState } from './state.ts'

const RETRY_AFTER: Record<CommitFailure, Duration> = {
  conflict: milliseconds(0),
  gone: milliseconds(0),
  throttled: seconds(1),
  unknown: seconds(1),
  refused: seconds(10),
}

/** The only way out for answers that say something new (law 2). */
export function committed(state: PoolState, pool: IPPool, now: Instant, effects: PoolEffect[]): PoolState {
  const { inFlight } = state
  if (inFlight === undefined) return state
  const revision = pool.status?.ipv4?.revision ?? 0
  if (revision !== inFlight.previousRevision) {
    const body = {
      uid: pool.metadata.uid ?? '',
      previousRevision: inFlight.previousRevision,
      revision,
      generation: pool.metadata.generation ?? 0,
      leases: inFlight.changes,
    }
    effects.push({ type: 'publish', event: { type: 'delta', body } })
  }
  if (state.pool !== undefined) recordNotices(state, state.pool, pool, effects)
  effects.push(...inFlight.effects)
  if (inFlight.freed.length > 0) {
    const owners = whoMayAskAgain(state.refused, inFlight.freed)
    if (owners.length > 0) effects.push({ type: 'nudge-owners', owners, scope: 'waiting' })
  }
  const freed = Object.entries(inFlight.changes).flatMap(([address, mac]) =>
    mac === null ? [parseIPv4Address(address)] : [],
  )
  const { book, longerRests: known } = state
  const longerRests = book === undefined ? known : restFromNow(book, freed, known, now)
  return {
    ...state,
    pool,
    longerRests,
    dirty: state.dirty || freed.some((address) => longerRests.has(address)),
    inFlight: undefined,
    fence: state.fence && !inFlight.fences,
    seenBy: state.looks,
    seenVersions: remember(state, pool),
  }
}

/** A failed write is a failed request: the allocator is rebuilt from the truth, and what waits is decided anew. */
export function commitFailed(
  state: PoolState,
  message: Extract<PoolMessage, { type: 'commit-failed' }>,
  now: Instant,
  effects: PoolEffect[],
): PoolState {
  const { inFlight } = state
  if (inFlight === undefined) return state
  const delay = milliseconds(Math.max(RETRY_AFTER[message.cause], message.retryAfter ?? 0))
  const next: PoolState = {
    ...state,
    inFlight: undefined,
    book: undefined,
    fence: state.fence || message.cause === 'unknown',
    readRetry: { at: later(now, delay), failures: 0 },
  }
  if (message.cause === 'refused') {
    const refusal = { reason: 'WriteRefused', message: message.reason }
    for (const request of inFlight.requests) refuseRequest(request, refusal, effects)
    effects.push({ type: 'record', severity: 'Warning', reason: 'StatusRefused', message: message.reason })
    return next
  }
  return { ...next, pending: [...inFlight.requests, ...next.pending] }
}
