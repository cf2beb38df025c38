import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatObjectKey, sameObjectKey } from '../../src/api/values/object-key.ts'
import { between, type Instant, seconds } from '../../src/api/values/time.ts'
import type { PoolEffect, PoolMessage } from './messages.ts'
import type { Refusal } from './refusals.ts'
import type { DemandCheck, PendingRequest, PoolState } from './state.ts'

/** Requests that wait longer have been given up by whoever sent them. */
const REQUEST_PATIENCE = seconds(10)
/** More waiting requests than this are refused at once. */
export const MAXIMUM_PENDING = 50_000

const BUSY: Refusal = { reason: 'Busy', message: 'too many requests wait for this IPPool; ask again' }
const OUTDATED: Refusal = {
  reason: 'Unavailable',
  message: 'what was known of the wish for the address is out of date; ask again',
}
const LATE: Refusal = {
  reason: 'Unavailable',
  message: 'the IPPool could not be written in time; ask again',
}

/** The request waits for the next batch. */
export function enqueue(state: PoolState, request: PendingRequest, effects: PoolEffect[]): PoolState {
  if (state.pending.length >= MAXIMUM_PENDING) refuseRequest(request, BUSY, effects)
  else state.pending.push(request)
  return state
}

/** The owner's wish is read before the request may take something away (law 4). */
export function checkDemand(state: PoolState, check: DemandCheck, effects: PoolEffect[]): PoolState {
  if (state.checks.size >= MAXIMUM_PENDING) {
    refuseRequest(check, BUSY, effects)
    return state
  }
  const claimant = state.claims.get(check.mac)?.owner
  const candidates = claimant === undefined ? [check.request.owner] : [check.request.owner, claimant]
  state.checks.set(state.nextCheck, check)
  effects.push({ type: 'check-demand', check: state.nextCheck, mac: check.mac, candidates })
  return { ...state, nextCheck: state.nextCheck + 1 }
}

type ReleaseCheck = Extract<DemandCheck, { type: 'release' }>

/** Repeated requests, and those of a second controller, must not each cost a look at the API: a storm would never end. */
export function checkRelease(state: PoolState, check: ReleaseCheck, effects: PoolEffect[]): PoolState {
  if (isAtRest(state) && state.book?.allocator.addressOf(check.mac) === undefined) {
    // Nothing is held, in the status either: there is nothing to ask about.
    for (const token of check.tokens)
      effects.push({ type: 'reply-release', token, body: { outcome: 'released' } })
    return state
  }
  const key = releaseKey(check)
  const underWay = state.checks.get(state.releaseChecks.get(key) ?? 0)
  if (underWay?.type === 'release' && underWay.claim === check.claim) {
    underWay.tokens.push(...check.tokens)
    return state
  }
  const next = checkDemand(state, check, effects)
  if (next.nextCheck !== state.nextCheck) next.releaseChecks.set(key, state.nextCheck)
  return next
}

/** The book says what the status says, and nothing is about to change it. */
function isAtRest({ book, inFlight, reading, readRetry, pending }: PoolState): boolean {
  return (
    book !== undefined &&
    inFlight === undefined &&
    !reading &&
    readRetry === undefined &&
    pending.length === 0
  )
}

function releaseKey({ mac, request }: ReleaseCheck): string {
  return `${mac} ${formatObjectKey(request.owner)} ${request.owner.uid}`
}

export function demandChecked(
  state: PoolState,
  message: Extract<PoolMessage, { type: 'demand-checked' }>,
  now: Instant,
  effects: PoolEffect[],
): PoolState {
  const check = takeCheck(state, message.check)
  if (check === undefined) return state
  const { demand } = message
  const { mac, claim, since } = check
  if (check.type === 'release') {
    if (demand.wanted) {
      const body = { outcome: 'still-wanted' as const }
      for (const token of check.tokens) effects.push({ type: 'reply-release', token, body })
      return state
    }
    const { clientMayRun } = demand
    // Also when nobody waits any more: it was asked for, and it is right.
    const tokens = check.tokens.length > 0 ? check.tokens : [undefined]
    return tokens.reduce(
      (next, token) =>
        enqueue(next, { type: 'release', token, mac, claim, clientMayRun, since: now }, effects),
      state,
    )
  }
  const { request, token } = check
  const asker = formatObjectKey(request.owner)
  if (!demand.ownerExists) {
    const message = `there is no VirtualMachineNetworkConfig ${asker} with the uid ${request.owner.uid}`
    refuseRequest(check, { reason: 'OwnerNotFound', message }, effects)
    return state
  }
  if (demand.owner !== undefined && !sameObjectKey(demand.owner, request.owner)) {
    const message = `${mac} belongs to ${formatObjectKey(demand.owner)} on this network; give one of the two another MAC`
    refuseRequest(check, { reason: 'MacInUse', message }, effects)
    return state
  }
  const pinned = demand.pinnedAddress === undefined ? undefined : formatIPv4Address(demand.pinnedAddress)
  if (!demand.wanted) {
    const message = `the VirtualMachineNetworkConfig ${asker} does not ask for ${mac} on this network`
    refuseRequest(check, { reason: 'NotAsked', message }, effects)
    return state
  }
  if (pinned !== request.pinnedAddress) {
    const message = 'the owner does not ask for this address any more'
    refuseRequest(check, { reason: 'NotWanted', message }, effects)
    return state
  }
  const proven = { previousOwner: undefined, asked: true, contested: false, verifiedAt: claim }
  const looksBefore = state.looks
  return enqueue(state, { type: 'allocate', token, request, ...proven, looksBefore, since }, effects)
}

export function demandCheckFailed(
  state: PoolState,
  message: Extract<PoolMessage, { type: 'demand-check-failed' }>,
  effects: PoolEffect[],
): PoolState {
  const check = takeCheck(state, message.check)
  if (check !== undefined) refuseRequest(check, { reason: 'Unavailable', message: message.reason }, effects)
  return state
}

/** Answers what nobody waits for any more. */
export function expireRequests(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  const isStale = ({ since }: { since: Instant }) => between(since, now) > REQUEST_PATIENCE
  for (const [id, check] of state.checks) {
    if (!isStale(check)) continue
    refuseRequest(check, LATE, effects)
    // A look that was begun is seen to its end: whoever asks again finds it done, or under way.
    if (check.type === 'release') check.tokens.length = 0
    else state.checks.delete(id)
  }
  // In order of arrival, but for what a failed write put back: a look at the whole is cheap enough once a second.
  if (!state.pending.some(isStale)) return state
  for (const request of state.pending.filter(isStale)) refuseRequest(request, LATE, effects)
  return { ...state, pending: state.pending.filter((request) => !isStale(request)) }
}

/** No address is given back on what was known so far. */
export function forgetReleases(state: PoolState, effects: PoolEffect[]): PoolState {
  for (const [id, check] of state.checks) {
    if (check.type !== 'release') continue
    refuseRequest(check, OUTDATED, effects)
    takeCheck(state, id)
  }
  for (const request of state.pending)
    if (request.type === 'release') refuseRequest(request, OUTDATED, effects)
  return { ...state, pending: state.pending.filter(({ type }) => type !== 'release') }
}

export function refuseRequest(
  request: PendingRequest | DemandCheck,
  refusal: Refusal,
  effects: PoolEffect[],
): void {
  const body = { outcome: 'refused' as const, ...refusal }
  if (request.type === 'allocate') {
    effects.push({ type: 'reply-allocate', token: request.token, body })
    return
  }
  const tokens = 'tokens' in request ? request.tokens : [request.token]
  for (const token of tokens) {
    if (token !== undefined) effects.push({ type: 'reply-release', token, body })
  }
}

function takeCheck(state: PoolState, id: number): DemandCheck | undefined {
  const check = state.checks.get(id)
  state.checks.delete(id)
  if (check?.type === 'release' && state.releaseChecks.get(releaseKey(check)) === id) {
    state.releaseChecks.delete(releaseKey(check))
  }
  return check
}
