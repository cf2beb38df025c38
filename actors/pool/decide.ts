import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { between, type Instant, later, milliseconds, seconds } from '../../src/api/values/time.ts'
import { adoptPool } from './adopt.ts'
import { agentReadinessChanged, withAgentDeployment, withAgentReport } from './agent-report.ts'
import { ntpResolved, orphansFound, registrationChecked } from './chores.ts'
import { claim, claimOf } from './claims.ts'
import { commitFailed, committed } from './commit.ts'
import { finalizersWritten } from './finalizers.ts'
import type { PoolEffect, PoolMessage } from './messages.ts'
import {
  checkRelease,
  demandChecked,
  demandCheckFailed,
  enqueue,
  expireRequests,
  forgetReleases,
} from './requests.ts'
import { settle } from './settle.ts'
import { snapshotOf } from './snapshot.ts'
import type { PoolState } from './state.ts'

export interface PoolDecision {
  state: PoolState
  effects: readonly PoolEffect[]
}

/** What a pool does with a message: no I/O, no clock. */
export function decide(state: PoolState, message: PoolMessage, now: Instant): PoolDecision {
  const effects: PoolEffect[] = []
  const next = apply(afterSleep(state, now, effects), message, now, effects)
  return { state: settle(next, now, effects), effects }
}

/** There is a tick every second. */
const SLEEP = seconds(5)

/**
 * After the process was stopped for a while, that nobody asked for a MAC is old news: another VM of the same MAC may have
 * come up meanwhile, and the agent may have answered it. Whoever wants to give something back asks again. What the
 * IPPool says is old news too, and another leader's writes may be on their way: as at the start of a term.
 */
function afterSleep(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  if (between(state.awakeAt, now) <= SLEEP) return state
  const { inFlight } = state
  return {
    ...forgetReleases(state, effects),
    awakeAt: now,
    readRetry: { at: now, failures: 0 },
    fence: true,
    // A write from before the sleep overtakes nothing that was written since.
    inFlight: inFlight === undefined ? undefined : { ...inFlight, fences: false },
  }
}

function apply(state: PoolState, message: PoolMessage, now: Instant, effects: PoolEffect[]): PoolState {
  switch (message.type) {
    case 'allocate': {
      const mac = parseMacAddress(message.request.macAddress)
      const previousOwner = state.claims.get(mac)?.owner
      const next = claim(state, mac, message.request.owner)
      const arrival = { verifiedAt: undefined, looksBefore: state.looks, since: now }
      return enqueue(next, { ...message, previousOwner, ...arrival }, effects)
    }
    case 'release': {
      const mac = parseMacAddress(message.request.macAddress)
      const { token, request } = message
      const check = {
        type: 'release' as const,
        tokens: [token],
        request,
        mac,
        claim: claimOf(state, mac),
        since: now,
      }
      return checkRelease(state, check, effects)
    }
    case 'snapshot':
      effects.push({ type: 'reply-snapshot', token: message.token, body: snapshotReply(state) })
      return state
    case 'agent-report':
      effects.push({ type: 'reply-report', token: message.token })
      return withAgentReport(state, message.report, now)
    case 'agent-deployment':
      return withAgentDeployment(state, message.deployment, now)
    case 'pool-changed':
      return poolChanged(state, message.resourceVersion ?? '', now)
    case 'network-changed':
      return { ...state, nextRegistrationCheck: now }
    case 'pool-read':
      return poolRead(state, message, now, effects)
    case 'pool-read-failed': {
      const failures = (state.readRetry?.failures ?? 0) + 1
      const usual = Math.min(200 * 2 ** Math.min(failures, 10), 10_000)
      const delay = milliseconds(Math.max(usual, message.retryAfter ?? 0))
      return { ...state, reading: false, readRetry: { at: later(now, delay), failures } }
    }
    case 'commit-done':
      return committed(state, message.pool, now, effects)
    case 'commit-failed':
      return commitFailed(state, message, now, effects)
    case 'demand-checked':
      return demandChecked(state, message, now, effects)
    case 'demand-check-failed':
      return demandCheckFailed(state, message, effects)
    case 'orphans-found':
      return orphansFound(state, message, now)
    case 'registration-checked':
      return registrationChecked(state, message, now)
    case 'ntp-resolved':
      return ntpResolved(state, message, now)
    case 'finalizers-written':
      return finalizersWritten(state, message.ok, now)
    case 'tick':
      return expireRequests(endRests({ ...state, awakeAt: now }, now), now, effects)
  }
}

function poolChanged(state: PoolState, version: string, now: Instant): PoolState {
  const echo = state.seenVersions.lastIndexOf(version)
  // An echo comes once, and in order. The same version later is news: a restored backup goes back to one.
  const next = { ...state, seenVersions: state.seenVersions.slice(echo + 1), watchedVersion: version }
  if (echo >= 0) return next
  if (state.reading) return { ...next, changedWhileReading: version }
  return { ...next, readRetry: state.readRetry ?? { at: now, failures: 0 } }
}

function poolRead(
  state: PoolState,
  message: Extract<PoolMessage, { type: 'pool-read' }>,
  now: Instant,
  effects: PoolEffect[],
): PoolState {
  const { changedWhileReading } = state
  const outcome = { reading: false, readRetry: undefined, changedWhileReading: undefined }
  const read = { ...state, ...outcome, seenBy: state.looks }
  const next = adoptPool(read, message.pool, now, effects)
  return changedWhileReading === undefined ? next : poolChanged(next, changedWhileReading, now)
}

/** Rests that are over, and an agent that fell silent. */
function endRests(state: PoolState, now: Instant): PoolState {
  const { book } = state
  let dirty = state.dirty || agentReadinessChanged(state, now)
  // While a write is under way its outcome may not be changed under its feet.
  if (book !== undefined && state.inFlight === undefined) {
    for (const [address, until] of book.restingUntil) {
      if (until > now) continue
      book.restingUntil.delete(address)
      book.allocator.wake(address)
      state.freed.push(address)
      dirty = true
    }
  }
  return dirty === state.dirty ? state : { ...state, dirty }
}

function snapshotReply(state: PoolState): Extract<PoolEffect, { type: 'reply-snapshot' }>['body'] {
  const { pool } = state
  if (pool === undefined) {
    return { outcome: 'refused', reason: 'Unavailable', message: 'the IPPool was not read yet; ask again' }
  }
  return { outcome: 'snapshot', snapshot: snapshotOf(pool) }
}
