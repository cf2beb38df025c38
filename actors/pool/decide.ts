import { isDeepStrictEqual } from 'node:util'
import { setCondition } from '../../src/api/condition.ts'
import { describeProblems } from '../../src/api/field-problem.ts'
import type { IPPool } from '../../src/api/ippool.ts'
import { IP_POOL_FINALIZER } from '../../src/api/ippool.ts'
import { parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import { formatIPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../src/api/values/mac-address.ts'
import { formatObjectKey, sameObjectKey } from '../../src/api/values/object-key.ts'
import {
  between,
  type Duration,
  type Instant,
  later,
  milliseconds,
  minutes,
  seconds,
} from '../../src/api/values/time.ts'
import { agentCondition } from './agent-condition.ts'
import { decideBatch } from './batch.ts'
import { leasesOf, openBook } from './book.ts'
import type { AgentReport, Owner } from './contracts.ts'
import type { CommitFailure, PoolEffect, PoolMessage } from './messages.ts'
import { snapshotOf } from './snapshot.ts'
import type { DemandCheck, PendingRequest, PoolState } from './state.ts'
import { statusChange } from './status.ts'

export interface PoolDecision {
  state: PoolState
  effects: readonly PoolEffect[]
}

/** Requests that wait longer have been given up by whoever sent them. */
const REQUEST_PATIENCE = seconds(10)
/** More waiting requests than this are refused at once. */
export const MAXIMUM_PENDING = 50_000
const RETRY_AFTER: Record<CommitFailure, Duration> = {
  conflict: milliseconds(0),
  gone: milliseconds(0),
  unknown: seconds(1),
  refused: seconds(10),
}
const SWEEP_INTERVAL = minutes(1)
const RESOLVE_INTERVAL = minutes(5)
const REGISTRATION_INTERVAL = minutes(1)
/** Echoes on the watch come within seconds; more than a few of our own writes are never outstanding. */
const REMEMBERED_VERSIONS = 64

export function initialPoolState(now: Instant): PoolState {
  return {
    pool: undefined,
    book: undefined,
    invalid: undefined,
    pending: [],
    inFlight: undefined,
    reading: false,
    dirty: true,
    finalizing: false,
    startedAt: now,
    readRetry: { at: now, failures: 0 },
    ownVersions: [],
    registration: undefined,
    agent: undefined,
    ntpServers: undefined,
    checks: new Map(),
    nextCheck: 1,
    claims: new Map(),
    nextSweep: later(now, SWEEP_INTERVAL),
    nextResolve: now,
    nextRegistrationCheck: now,
  }
}

/**
 * What a pool does with a message. No I/O, no clock; the big tables (allocator, claims, checks) belong to the actor and
 * change in place, everything else is a new value.
 */
export function decide(state: PoolState, message: PoolMessage, now: Instant): PoolDecision {
  const effects: PoolEffect[] = []
  const next = apply(state, message, now, effects)
  return { state: settle(next, now, effects), effects }
}

function apply(state: PoolState, message: PoolMessage, now: Instant, effects: PoolEffect[]): PoolState {
  switch (message.type) {
    case 'allocate': {
      const mac = parseMacAddress(message.request.macAddress)
      const previousOwner = state.claims.get(mac)?.owner
      claim(state, mac, message.request.owner)
      const request: PendingRequest = { ...message, previousOwner, verified: false, since: now }
      return enqueue(state, request, effects)
    }
    case 'release': {
      const mac = parseMacAddress(message.request.macAddress)
      const { token, request } = message
      return checkDemand(
        state,
        { type: 'release', token, request, mac, claims: claimCount(state, mac), since: now },
        effects,
      )
    }
    case 'snapshot':
      effects.push({ type: 'reply-snapshot', token: message.token, body: snapshotReply(state) })
      return state
    case 'agent-report':
      effects.push({ type: 'reply-report', token: message.token })
      return withAgentReport(state, message.report, now)
    case 'pool-changed': {
      const { resourceVersion } = message
      const known =
        resourceVersion !== undefined &&
        (resourceVersion === state.pool?.metadata.resourceVersion ||
          state.ownVersions.includes(resourceVersion))
      if (known) return state
      if (state.inFlight !== undefined)
        return { ...state, inFlight: { ...state.inFlight, seenVersion: resourceVersion } }
      return { ...state, readRetry: state.readRetry ?? { at: now, failures: 0 } }
    }
    case 'network-changed':
      return { ...state, nextRegistrationCheck: now }
    case 'pool-read':
      return adoptPool({ ...state, reading: false, readRetry: undefined }, message.pool, now, effects)
    case 'pool-read-failed': {
      const failures = (state.readRetry?.failures ?? 0) + 1
      const delay = milliseconds(Math.min(200 * 2 ** Math.min(failures, 10), 10_000))
      return { ...state, reading: false, readRetry: { at: later(now, delay), failures } }
    }
    case 'commit-done':
      return committed(state, message.pool, now, effects)
    case 'commit-failed':
      return commitFailed(state, message, now, effects)
    case 'demand-checked':
      return demandChecked(state, message, effects)
    case 'demand-check-failed': {
      const check = takeCheck(state, message.check)
      if (check !== undefined)
        refuseRequest(check, { reason: 'Unavailable', message: message.reason }, effects)
      return state
    }
    case 'orphans-found': {
      const releases = message.orphans.map(
        ({ mac, claims }): PendingRequest => ({
          type: 'release',
          token: undefined,
          mac,
          claims,
          clientMayRun: true,
          since: now,
        }),
      )
      state.pending.push(...releases)
      return state
    }
    case 'registration-checked':
      return { ...state, registration: message.registration, dirty: true }
    case 'ntp-resolved':
      return { ...state, ntpServers: message.addresses, dirty: true }
    case 'finalizer-removed':
      return { ...state, finalizing: false, readRetry: { at: now, failures: 0 } }
    case 'tick':
      return expire(state, now, effects)
  }
}

/** Whatever the message was: start what is due, decide what waits, write what the status does not say yet. */
function settle(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  let next = state
  if (
    next.readRetry !== undefined &&
    !next.reading &&
    next.inFlight === undefined &&
    next.readRetry.at <= now
  ) {
    effects.push({ type: 'read-pool' })
    next = { ...next, reading: true }
  }
  const uncertain = next.reading || next.readRetry !== undefined
  if (uncertain || next.inFlight !== undefined || next.pool === undefined) return next
  next = startChores(next, now, effects)

  const requests = next.pending
  let freed = false
  const answers: PoolEffect[] = []
  if (requests.length > 0 && next.book === undefined) {
    const refusal = { reason: 'InvalidPool', message: `the IPPool's spec is invalid: ${next.invalid}` }
    for (const request of requests) refuseRequest(request, refusal, effects)
    next = { ...next, pending: [] }
  } else if (next.book !== undefined) {
    const outcome = decideBatch(next, next.book, requests, now)
    next = { ...next, pending: [], dirty: next.dirty || outcome.changed }
    for (const { token, request } of outcome.unverified) {
      const mac = parseMacAddress(request.macAddress)
      next = checkDemand(
        next,
        { type: 'allocate', token, request, mac, claims: claimCount(next, mac), since: now },
        effects,
      )
    }
    answers.push(...outcome.effects)
    freed = outcome.freed
  }

  const change = next.dirty ? statusChange(next, now) : undefined
  next = { ...next, dirty: false }
  if (change === undefined) {
    effects.push(...answers)
    return finishDeletion(next, effects)
  }
  effects.push({
    type: 'commit',
    patch: { metadata: { resourceVersion: next.pool?.metadata.resourceVersion }, status: change.patch },
  })
  return {
    ...next,
    inFlight: {
      effects: answers,
      requests,
      previousRevision: next.pool?.status?.ipv4?.revision ?? 0,
      seenVersion: undefined,
      changes: change.leaseChanges,
      freed: freed || wokeSome(change.patch),
    },
  }
}

/** The periodic reads: the network's registration, NTP names, leases that nobody asks for any more. */
function startChores(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  let next = state
  if (next.nextRegistrationCheck <= now) {
    effects.push({ type: 'check-registration' })
    next = { ...next, nextRegistrationCheck: later(now, REGISTRATION_INTERVAL) }
  }
  const names = next.book?.configuration.ntp ?? []
  if (next.nextResolve <= now && names.length > 0) {
    effects.push({ type: 'resolve-ntp', names })
    next = { ...next, nextResolve: later(now, RESOLVE_INTERVAL) }
  }
  if (next.nextSweep <= now && next.book !== undefined) {
    const held = new Map<MacAddress, number>()
    for (const [, mac] of next.book.allocator.held()) held.set(mac, claimCount(next, mac))
    if (held.size > 0) effects.push({ type: 'find-orphans', held })
    next = { ...next, nextSweep: later(now, SWEEP_INTERVAL) }
  }
  return next
}

/** What the API says replaces what the actor believed. */
function adoptPool(
  state: PoolState,
  pool: IPPool | undefined,
  now: Instant,
  effects: PoolEffect[],
): PoolState {
  if (pool === undefined) {
    for (const request of state.pending) {
      refuseRequest(request, { reason: 'PoolGone', message: 'the IPPool does not exist any more' }, effects)
    }
    return { ...state, pool: undefined, book: undefined, pending: [], finalizing: false }
  }
  const before = state.pool
  const edited =
    before !== undefined &&
    (before.metadata.generation !== pool.metadata.generation || before.metadata.uid !== pool.metadata.uid)
  const parsed = parsePoolConfiguration(pool)
  const next: PoolState = {
    ...state,
    pool,
    dirty: true,
    book: parsed.ok ? openBook(pool, parsed.configuration, now) : undefined,
    invalid: parsed.ok ? undefined : describeProblems(parsed.problems),
  }
  if (
    pool.metadata.deletionTimestamp === undefined &&
    !pool.metadata.finalizers?.includes(IP_POOL_FINALIZER)
  ) {
    effects.push({ type: 'add-finalizer' })
    next.reading = true
  }
  if (!parsed.ok && next.invalid !== state.invalid) {
    effects.push({ type: 'record', severity: 'Warning', reason: 'InvalidSpec', message: next.invalid ?? '' })
  }
  // A pool that appears or changes may now have what somebody waits for.
  if (before === undefined || edited) effects.push({ type: 'nudge-owners', scope: 'waiting' })
  // Somebody else took leases away: their owners shall ask again.
  else if (lostLeases(before, pool)) effects.push({ type: 'nudge-owners', scope: 'all' })
  if (!edited && before !== undefined) return next
  // Names are resolved anew; literal addresses need no resolver, but go the same way.
  const ntp = parsed.ok ? parsed.configuration.ntp : []
  return {
    ...next,
    ntpServers: ntp.length === 0 ? [] : pool.status?.ipv4?.ntpServers?.map(parseIPv4Address),
    nextResolve: now,
    nextRegistrationCheck: now,
  }
}

function lostLeases(before: IPPool, after: IPPool): boolean {
  const now = new Map(leasesOf(after))
  return leasesOf(before).some(([address, mac]) => now.get(address) !== mac)
}

function committed(state: PoolState, pool: IPPool, now: Instant, effects: PoolEffect[]): PoolState {
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
  effects.push(...inFlight.effects)
  if (inFlight.freed) effects.push({ type: 'nudge-owners', scope: 'waiting' })
  const ownVersions = [...state.ownVersions, pool.metadata.resourceVersion ?? ''].slice(-REMEMBERED_VERSIONS)
  const { seenVersion } = inFlight
  const isOvertaken = seenVersion !== undefined && !ownVersions.includes(seenVersion)
  const readRetry = isOvertaken ? { at: now, failures: 0 } : state.readRetry
  return { ...state, pool, inFlight: undefined, ownVersions, readRetry }
}

/** A failed write is a failed request (law 2): the allocator is rebuilt from the truth, and what waits is decided anew. */
function commitFailed(
  state: PoolState,
  message: Extract<PoolMessage, { type: 'commit-failed' }>,
  now: Instant,
  effects: PoolEffect[],
): PoolState {
  const requests = state.inFlight?.requests ?? []
  const delay = RETRY_AFTER[message.cause]
  const next: PoolState = {
    ...state,
    inFlight: undefined,
    book: undefined,
    reading: false,
    readRetry: { at: later(now, delay), failures: 0 },
  }
  if (message.cause === 'refused') {
    for (const request of requests)
      refuseRequest(request, { reason: 'WriteRefused', message: message.reason }, effects)
    effects.push({ type: 'record', severity: 'Warning', reason: 'StatusRefused', message: message.reason })
    return next
  }
  return { ...next, pending: [...requests, ...next.pending] }
}

function demandChecked(
  state: PoolState,
  message: Extract<PoolMessage, { type: 'demand-checked' }>,
  effects: PoolEffect[],
): PoolState {
  const check = takeCheck(state, message.check)
  if (check === undefined) return state
  const { demand } = message
  const { token, mac, claims, since } = check
  if (check.type === 'release') {
    if (demand.wanted) {
      effects.push({ type: 'reply-release', token, body: { outcome: 'still-wanted' } })
      return state
    }
    return enqueue(
      state,
      { type: 'release', token, mac, claims, clientMayRun: demand.clientMayRun, since },
      effects,
    )
  }
  const { owner, pinnedAddress: pinned } = check.request
  const current = demand.pinnedAddress === undefined ? undefined : formatIPv4Address(demand.pinnedAddress)
  if (demand.owner !== undefined && !sameObjectKey(demand.owner, owner)) {
    const message = `${mac} belongs to ${formatObjectKey(demand.owner)} on this network; give one of the two another MAC`
    refuseRequest(check, { reason: 'MacInUse', message }, effects)
    return state
  }
  if (demand.wanted && current === pinned) {
    return enqueue(
      state,
      { type: 'allocate', token, request: check.request, previousOwner: undefined, verified: true, since },
      effects,
    )
  }
  const refusal = { reason: 'NotWanted', message: 'the owner does not ask for this address any more' }
  refuseRequest(check, refusal, effects)
  return state
}

/** A report that says nothing new only proves that the agent lives. */
function withAgentReport(state: PoolState, report: AgentReport, now: Instant): PoolState {
  const next = { ...state, agent: { report, at: now } }
  const samePod = state.agent !== undefined && isDeepStrictEqual(state.agent.report.pod, report.pod)
  return { ...next, dirty: state.dirty || !samePod || agentReadinessChanged(next, now) }
}

function agentReadinessChanged(state: PoolState, now: Instant): boolean {
  const current = state.pool?.status?.conditions ?? []
  return setCondition(current, 'AgentReady', agentCondition(state, now), now) !== current
}

/** Rests that are over, requests that nobody waits for any more. */
function expire(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  const { book } = state
  let dirty = state.dirty || agentReadinessChanged(state, now)
  // While a write is under way its outcome may not be changed under its feet.
  if (book !== undefined && state.inFlight === undefined) {
    for (const [address, until] of book.restingUntil) {
      if (until > now) continue
      book.restingUntil.delete(address)
      book.allocator.wake(address)
      dirty = true
    }
  }
  const isStale = ({ since }: { since: Instant }) => between(since, now) > REQUEST_PATIENCE
  const refusal = { reason: 'Unavailable', message: 'the IPPool could not be written in time; ask again' }
  for (const request of state.pending.filter(isStale)) refuseRequest(request, refusal, effects)
  for (const [id, check] of state.checks) {
    if (!isStale(check)) continue
    takeCheck(state, id)
    refuseRequest(check, refusal, effects)
  }
  return { ...state, dirty, pending: state.pending.filter((request) => !isStale(request)) }
}

/** A pool in use stays, as Kubernetes' own in-use protection does; its agent goes on serving. */
function finishDeletion(state: PoolState, effects: PoolEffect[]): PoolState {
  const { pool, book } = state
  if (pool?.metadata.deletionTimestamp === undefined) return state
  if (!pool.metadata.finalizers?.includes(IP_POOL_FINALIZER)) return state
  const inUse = book === undefined ? leasesOf(pool).length > 0 : [...book.allocator.held()].length > 0
  if (inUse || state.finalizing) return state
  effects.push({ type: 'unregister-and-remove-finalizer' })
  return { ...state, finalizing: true }
}

function snapshotReply(state: PoolState): Extract<PoolEffect, { type: 'reply-snapshot' }>['body'] {
  const { pool } = state
  if (pool === undefined) {
    return { outcome: 'refused', reason: 'Unavailable', message: 'the IPPool was not read yet; ask again' }
  }
  return { outcome: 'snapshot', snapshot: snapshotOf(pool) }
}

function enqueue(state: PoolState, request: PendingRequest, effects: PoolEffect[]): PoolState {
  if (state.pending.length >= MAXIMUM_PENDING) {
    refuseRequest(
      request,
      { reason: 'Busy', message: 'too many requests wait for this IPPool; ask again' },
      effects,
    )
    return state
  }
  state.pending.push(request)
  return state
}

function checkDemand(state: PoolState, check: DemandCheck, effects: PoolEffect[]): PoolState {
  if (state.checks.size >= MAXIMUM_PENDING) {
    refuseRequest(
      check,
      { reason: 'Busy', message: 'too many requests wait for this IPPool; ask again' },
      effects,
    )
    return state
  }
  const claimant = state.claims.get(check.mac)?.owner
  const candidates = claimant === undefined ? [check.request.owner] : [check.request.owner, claimant]
  state.checks.set(state.nextCheck, check)
  effects.push({ type: 'check-demand', check: state.nextCheck, mac: check.mac, candidates })
  return { ...state, nextCheck: state.nextCheck + 1 }
}

function takeCheck(state: PoolState, id: number): DemandCheck | undefined {
  const check = state.checks.get(id)
  state.checks.delete(id)
  return check
}

function refuseRequest(
  request: PendingRequest | DemandCheck,
  refusal: { reason: string; message: string },
  effects: PoolEffect[],
): void {
  const { token } = request
  if (token === undefined) return
  const body = { outcome: 'refused' as const, ...refusal }
  effects.push(
    request.type === 'allocate'
      ? { type: 'reply-allocate', token, body }
      : { type: 'reply-release', token, body },
  )
}

function claim(state: PoolState, mac: MacAddress, owner: Owner): void {
  state.claims.set(mac, { owner, count: claimCount(state, mac) + 1 })
}

function claimCount(state: PoolState, mac: MacAddress): number {
  return state.claims.get(mac)?.count ?? 0
}

/** A rest that ended shows as an entry of `resting` that the patch takes away. */
function wokeSome(patch: Record<string, unknown>): boolean {
  const ipv4 = patch.ipv4
  if (typeof ipv4 !== 'object' || ipv4 === null || !('resting' in ipv4)) return false
  const { resting } = ipv4
  return resting === null || (typeof resting === 'object' && Object.values(resting).includes(null))
}
