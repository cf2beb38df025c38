import type { MacAddress } from '../../src/api/values/mac-address.ts'
import { type Instant, later, minutes, seconds } from '../../src/api/values/time.ts'
import { claimOf, pruneClaims } from './claims.ts'
import type { Claim, PoolEffect, PoolMessage } from './messages.ts'
import { forgetRefused } from './refusals.ts'
import { type PoolState, SWEEP_INTERVAL } from './state.ts'

const REGISTRATION_INTERVAL = minutes(1)
const REGISTRATION_RETRY = seconds(5)
/** Names of NTP pools change their addresses all the time; clients need one that works, not the latest. */
const RESOLVE_INTERVAL = minutes(60)
const RESOLVE_RETRY = minutes(1)

/** What is due from time to time: the network's registration, NTP names, leases that nobody asks for, or several. */
export function startChores(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  let next = state
  const isDeleting = next.pool?.metadata.deletionTimestamp !== undefined
  if (next.nextRegistrationCheck <= now && !next.registering && !isDeleting) {
    effects.push({ type: 'check-registration', tidy: next.labelsDue })
    next = { ...next, registering: true, nextRegistrationCheck: later(now, REGISTRATION_INTERVAL) }
  }
  const names = next.book?.configuration.ntp ?? []
  if (next.nextResolve <= now && names.length > 0) {
    effects.push({ type: 'resolve-ntp', names })
    next = { ...next, nextResolve: later(now, RESOLVE_RETRY) }
  }
  if (next.nextSweep <= now && next.book !== undefined) {
    pruneClaims(next)
    forgetRefused(next.refused, now)
    const held = new Map<MacAddress, Claim>()
    for (const [, mac] of next.book.allocator.held()) {
      held.set(mac, { serial: claimOf(next, mac), owner: next.claims.get(mac)?.owner })
    }
    if (held.size > 0) {
      effects.push({ type: 'find-orphans', held, changesByOthers: next.changesByOthers })
      // An older object that took to the MAC later has it now: whoever was told before of the address asks again.
      const { network } = next.book.configuration
      effects.push({ type: 'nudge-rivals', network, macs: [...held.keys()] })
    }
    next = { ...next, nextSweep: later(now, SWEEP_INTERVAL) }
  }
  return next
}

/** A look that failed says nothing: what was known stays. */
export function registrationChecked(
  state: PoolState,
  message: Extract<PoolMessage, { type: 'registration-checked' }>,
  now: Instant,
): PoolState {
  const { registration } = message
  if (state.registrationOutdated) {
    return { ...state, registering: false, registrationOutdated: false, nextRegistrationCheck: now }
  }
  if (registration !== undefined) {
    const known = { registration, registrationDue: false, labelsDue: false }
    return { ...state, registering: false, ...known, dirty: true }
  }
  return { ...state, registering: false, nextRegistrationCheck: later(now, REGISTRATION_RETRY) }
}

/** One name that does not resolve must not take away what the others, or an earlier look, gave. */
export function ntpResolved(
  state: PoolState,
  message: Extract<PoolMessage, { type: 'ntp-resolved' }>,
  now: Instant,
): PoolState {
  const names = state.book?.configuration.ntp ?? []
  const known = new Map([...state.ntp, ...message.addresses])
  const ntp = new Map([...known].filter(([name]) => names.includes(name)))
  const isComplete = names.every((name) => message.addresses.has(name))
  const nextResolve = isComplete ? later(now, RESOLVE_INTERVAL) : state.nextResolve
  return { ...state, ntp, nextResolve, dirty: true }
}

/** Leases that nobody asks for: given back unless somebody does by the time of the decision. */
export function orphansFound(
  state: PoolState,
  message: Extract<PoolMessage, { type: 'orphans-found' }>,
  now: Instant,
): PoolState {
  if (message.changesByOthers !== state.changesByOthers) return state
  for (const { mac, claim } of message.orphans) {
    state.pending.push({ type: 'release', token: undefined, mac, claim, clientMayRun: true, since: now })
  }
  return state
}
