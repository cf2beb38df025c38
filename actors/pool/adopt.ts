import { describeProblems } from '../../src/api/field-problem.ts'
import type { IPPool } from '../../src/api/ippool.ts'
import { type PoolConfiguration, parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import type { MacAddress } from '../../src/api/values/mac-address.ts'
import { type Instant, later, parseInstant, seconds, toInstant } from '../../src/api/values/time.ts'
import { leasesOf, openBook } from './book.ts'
import type { PoolEffect } from './messages.ts'
import { refuseRequest } from './requests.ts'
import type { PoolState } from './state.ts'

/** Echoes on the watch come within seconds; more than a few of our own writes are never outstanding. */
const REMEMBERED_VERSIONS = 64
/** RFC 2132 §9.2: 32 bits. */
const LONGEST_LEASE_SECONDS = 0xffffffff

/** What the API says replaces what the actor believed. */
export function adoptPool(
  state: PoolState,
  pool: IPPool | undefined,
  now: Instant,
  effects: PoolEffect[],
): PoolState {
  if (pool === undefined) {
    const refusal = { reason: 'PoolGone', message: 'the IPPool does not exist any more' }
    for (const request of state.pending) refuseRequest(request, refusal, effects)
    return { ...state, pool: undefined, book: undefined, pending: [] }
  }
  const before = state.pool
  if (state.book !== undefined && isSame(before, pool)) return state

  const isEdited =
    before === undefined ||
    before.metadata.generation !== pool.metadata.generation ||
    before.metadata.uid !== pool.metadata.uid
  const parsed = parsePoolConfiguration(pool)
  const invalid = parsed.ok ? undefined : describeProblems(parsed.problems)
  if (invalid !== undefined && invalid !== state.invalid) {
    effects.push({ type: 'record', severity: 'Warning', reason: 'InvalidSpec', message: invalid })
  }
  if (parsed.ok) tellOwners(state, pool, isEdited, parsed.configuration.network, effects)
  const longerLeasesEnd = parsed.ok
    ? endOfLongerLeases(state, pool, parsed.configuration, now)
    : state.longerLeasesEnd
  return {
    ...state,
    pool,
    longerLeasesEnd,
    book: parsed.ok ? openBook(pool, parsed.configuration, now, longerLeasesEnd) : undefined,
    invalid,
    dirty: true,
    seenVersions: remember(state.seenVersions, pool),
    ...(isEdited ? { nextResolve: now, nextRegistrationCheck: now } : {}),
  }
}

/**
 * Until an edit, leases were given for as long as the spec said then. The status remembers it across restarts, and
 * what the spec said last, should it be edited while no controller runs.
 */
function endOfLongerLeases(
  state: PoolState,
  pool: IPPool,
  { leaseSeconds }: PoolConfiguration,
  now: Instant,
): Instant {
  const before = state.pool === undefined ? undefined : parsePoolConfiguration(state.pool)
  const known = before?.ok === true ? before.configuration.leaseSeconds : 0
  const earlier = Math.max(known, rememberedLeaseSeconds(pool))
  const end = leaseSeconds < earlier ? later(now, seconds(earlier)) : now
  const latest = Math.max(end, state.longerLeasesEnd, rememberedEnd(pool) ?? now)
  if (latest <= now) return now
  // Whole seconds, rounded up, because that is what the status keeps.
  return toInstant(Math.ceil(latest / 1000) * 1000)
}

function rememberedLeaseSeconds(pool: IPPool): number {
  const { leaseTime = 0 } = pool.status?.ipv4 ?? {}
  return Math.min(leaseTime, LONGEST_LEASE_SECONDS)
}

function rememberedEnd(pool: IPPool): Instant | undefined {
  const text = pool.status?.ipv4?.longerLeasesUntil
  try {
    return text === undefined ? undefined : parseInstant(text)
  } catch {
    // Written by hand, and no time.
    return undefined
  }
}

export function remember(versions: readonly string[], pool: IPPool): readonly string[] {
  return [...versions, pool.metadata.resourceVersion ?? ''].slice(-REMEMBERED_VERSIONS)
}

function tellOwners(
  state: PoolState,
  pool: IPPool,
  isEdited: boolean,
  network: Extract<PoolEffect, { type: 'nudge-network' }>['network'],
  effects: PoolEffect[],
): void {
  const before = state.pool
  // An actor that has just started does not know what was lost before: whoever believes to have an address asks too.
  if (before === undefined || before.metadata.uid !== pool.metadata.uid) {
    effects.push({ type: 'nudge-network', network, scope: 'all' })
    return
  }
  // A pool that was edited may have now what somebody waits for.
  if (isEdited) effects.push({ type: 'nudge-network', network, scope: 'waiting' })
  // Somebody else took leases away: their owners shall ask again.
  const owners = lostLeases(before, pool).map((mac) => state.claims.get(mac)?.owner)
  const known = owners.filter((owner) => owner !== undefined)
  if (known.length < owners.length) effects.push({ type: 'nudge-network', network, scope: 'all' })
  else if (known.length > 0) effects.push({ type: 'nudge-owners', owners: known, scope: 'all' })
}

function lostLeases(before: IPPool, after: IPPool): MacAddress[] {
  const now = new Map(leasesOf(after))
  return leasesOf(before).flatMap(([address, mac]) => (now.get(address) === mac ? [] : [mac]))
}

function isSame(before: IPPool | undefined, pool: IPPool): boolean {
  return (
    before !== undefined &&
    before.metadata.uid === pool.metadata.uid &&
    before.metadata.resourceVersion === pool.metadata.resourceVersion
  )
}
