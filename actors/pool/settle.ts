import { isConditionTrue } from '../../src/api/condition.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import type { Instant } from '../../src/api/values/time.ts'
import { type BatchOutcome, decideBatch } from './batch.ts'
import { startChores } from './chores.ts'
import { claimOf } from './claims.ts'
import { addFinalizer, finishDeletion, needsFinalizer } from './finalizers.ts'
import type { PoolEffect } from './messages.ts'
import { checkDemand, refuseRequest } from './requests.ts'
import type { PendingRequest, PoolState } from './state.ts'
import { statusChange } from './status.ts'
import { restUnknownLeases } from './unknown-leases.ts'
import { invalidPool } from './why-refused.ts'

/** Whatever the message was: start what is due, decide what waits, write what the status does not say yet. */
export function settle(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  let next = readWhenDue(state, now, effects)
  if (next.reading || next.readRetry !== undefined) return next
  if (next.inFlight !== undefined || next.pool === undefined) return next
  if (needsFinalizer(next)) return addFinalizer(next, now, effects)
  if (next.finalizers.busy) return next
  next = startChores(next, now, effects)
  if (next.book !== undefined && restUnknownLeases(next, next.book, now)) next = { ...next, dirty: true }

  const decided = isRegistrationKnown(next) ? decidePending(next, now, effects) : undefined
  next = decided?.state ?? next
  const answers = decided?.effects ?? []
  const kept = decided?.kept ?? []
  const change = next.dirty || next.fence ? statusChange(next, now) : undefined
  const { freed } = next
  next = { ...next, dirty: false, freed: [] }
  if (change === undefined) {
    effects.push(...answers)
    // One look at the API serves all that wait for one; it is not begun for a single one while others come with a write.
    if (kept.length > 0) next = lookAgain(next, kept, now)
    // What was deferred waits for nothing now.
    if (decided !== undefined && next.pending.length > 0) return settle(next, now, effects)
    return finishDeletion(next, now, effects)
  }
  const { resourceVersion } = next.pool?.metadata ?? {}
  effects.push({ type: 'commit', patch: { metadata: { resourceVersion }, status: change.patch } })
  const requests = decided?.requests ?? []
  const previousRevision = next.pool?.status?.ipv4?.revision ?? 0
  const inFlight = {
    effects: [...answers, ...kept.map(({ answer }) => answer)],
    requests,
    previousRevision,
    fences: true,
    changes: change.leaseChanges,
    freed,
  }
  return { ...next, inFlight, looks: next.looks + 1 }
}

function lookAgain(state: PoolState, kept: BatchOutcome['kept'], now: Instant): PoolState {
  const pending = [...kept.map(({ request }) => request), ...state.pending]
  return { ...state, pending, readRetry: { at: now, failures: 0 } }
}

function readWhenDue(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  const { readRetry, reading, inFlight, finalizers } = state
  if (readRetry === undefined || readRetry.at > now) return state
  if (reading || inFlight !== undefined || finalizers.busy) return state
  effects.push({ type: 'read-pool' })
  return { ...state, reading: true, looks: state.looks + 1 }
}

/** Of two pools on one network only one may give addresses: none does before it knows which. */
function isRegistrationKnown({ pool, registration, registrationDue }: PoolState): boolean {
  if (pool?.metadata.deletionTimestamp !== undefined) return true
  if (registrationDue) return false
  return registration !== undefined || isConditionTrue(pool?.status?.conditions, 'Registered')
}

interface Decided {
  state: PoolState
  /** What leaves when the status says it. */
  effects: PoolEffect[]
  /** What that answers, and `kept`. */
  requests: readonly PendingRequest[]
  kept: BatchOutcome['kept']
}

function decidePending(state: PoolState, now: Instant, effects: PoolEffect[]): Decided {
  const requests = state.pending
  let next: PoolState = { ...state, pending: [] }
  if (requests.length === 0) return { state: next, effects: [], requests, kept: [] }
  if (next.book === undefined) {
    const refusal = invalidPool(next.invalid ?? 'it cannot be read')
    for (const request of requests) refuseRequest(request, refusal, effects)
    return { state: next, effects: [], requests: [], kept: [] }
  }
  const outcome: BatchOutcome = decideBatch(next, next.book, requests, now)
  next = { ...next, pending: outcome.deferred, dirty: next.dirty || outcome.changed }
  for (const { token, request } of outcome.unverified) {
    const mac = parseMacAddress(request.macAddress)
    const check = {
      type: 'allocate' as const,
      token,
      request,
      mac,
      claim: claimOf(next, mac),
      since: now,
    }
    next = checkDemand(next, check, effects)
  }
  const undecided = new Set<PendingRequest>([...outcome.unverified, ...outcome.deferred])
  return {
    state: next,
    effects: outcome.effects,
    kept: outcome.kept,
    requests: requests.filter((request) => !undecided.has(request)),
  }
}
