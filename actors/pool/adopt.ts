import { describeProblems } from '../../src/api/field-problem.ts'
import type { IPPool, IPPoolSpec } from '../../src/api/ippool.ts'
import { type PoolConfiguration, parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import { sameObjectKey } from '../../src/api/values/object-key.ts'
import {
  type Instant,
  later,
  parseInstant,
  seconds,
  toInstant,
  wholeSecond,
} from '../../src/api/values/time.ts'
import { LONGEST_LEASE_SECONDS, leasesOf, openBook, restEnd, restFromNow, restsOf } from './book.ts'
import type { PoolEffect } from './messages.ts'
import { readable } from './readable.ts'
import { inheritedBy, remainsOf } from './remains.ts'
import { forgetReleases, refuseRequest } from './requests.ts'
import { salvageConfiguration, servedSpec } from './served-spec.ts'
import type { Book, PoolState, Rest } from './state.ts'

/** Echoes on the watch come within seconds; more than a few of our own writes are never outstanding. */
const REMEMBERED_VERSIONS = 64

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
    const remains = remainsOf(state, now) ?? state.remains
    return { ...state, pool: undefined, book: undefined, pending: [], forgotten: [], remains }
  }
  const before = state.pool
  if (state.book !== undefined && isSame(before, pool)) return state

  const isAnother = before?.metadata.uid !== pool.metadata.uid
  const isEdited = isAnother || before?.metadata.generation !== pool.metadata.generation
  const invalid = whyInvalid(pool)
  if (invalid !== undefined && invalid !== state.invalid) {
    effects.push({ type: 'record', severity: 'Warning', reason: 'InvalidSpec', message: invalid })
  }
  const spec = servedSpec(pool, isAnother ? undefined : state.servedSpec)
  const configuration = spec === undefined ? salvageConfiguration(pool) : configurationOf(pool, spec)
  const longerLeasesEnd =
    configuration === undefined ? state.longerLeasesEnd : endOfLongerLeases(state, pool, configuration, now)
  const forgotten =
    configuration === undefined
      ? []
      : isAnother
        ? inheritedBy(configuration, remainsOf(state, now) ?? state.remains, now)
        : forgottenLeases(state, pool, { configuration, longerLeasesEnd }, now)
  const remembered = { longerLeasesEnd, forgotten }
  const book = configuration === undefined ? undefined : openBook(pool, configuration, now, remembered)
  const known: PoolState['longerRests'] = isAnother ? new Map() : state.longerRests
  // A write of which no answer came may have taken them, and as late as just now.
  const taken = isAnother ? [] : takenSince(before, pool)
  const longerRests = book === undefined ? known : restFromNow(book, taken, known, now)
  if (book !== undefined) tellOwners(state, pool, isEdited, book, effects)
  const isChangedByOthers = before !== undefined && !isSame(before, pool)
  return {
    ...(isChangedByOthers ? distrustLooks(state, effects) : state),
    ...remembered,
    longerRests,
    pool,
    book,
    servedSpec: spec,
    invalid,
    dirty: true,
    seenVersions: remember(state, pool),
    ...(isEdited ? { nextResolve: now, nextRegistrationCheck: now } : {}),
    ...networkMoved(state, pool, configuration, now),
  }
}

function whyInvalid(pool: IPPool): string | undefined {
  const parsed = parsePoolConfiguration(pool)
  return parsed.ok ? undefined : describeProblems(parsed.problems)
}

function configurationOf({ metadata }: IPPool, spec: IPPoolSpec): PoolConfiguration | undefined {
  const parsed = parsePoolConfiguration({ metadata, spec })
  return parsed.ok ? parsed.configuration : undefined
}

/**
 * On another network everything that was known of the network counts no more: whether another pool serves it is to be
 * looked at before anything is given, and what was held on the old one is wanted here only by those who moved too.
 */
function networkMoved(
  state: PoolState,
  pool: IPPool,
  configuration: PoolConfiguration | undefined,
  now: Instant,
): Partial<PoolState> {
  if (configuration === undefined) return {}
  const { network } = configuration
  // Edited while no controller ran, the network may have been another.
  const isDoubtful =
    state.network === undefined && pool.status?.observedGeneration !== pool.metadata.generation
  const isMoved = state.network !== undefined && !sameObjectKey(state.network, network)
  if (!isDoubtful && !isMoved) return { network }
  const { registering } = state
  return {
    network,
    registration: undefined,
    registrationOutdated: registering,
    registrationDue: true,
    labelsDue: true,
    ...(isMoved ? { nextSweep: now } : {}),
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
  const { servedSpec: spec, pool: known } = state
  const before = spec === undefined || known === undefined ? undefined : configurationOf(known, spec)
  const earlier = Math.max(before?.leaseSeconds ?? 0, rememberedLeaseSeconds(pool))
  const end = leaseSeconds < earlier ? later(now, seconds(earlier)) : now
  const latest = Math.max(end, state.longerLeasesEnd, rememberedEnd(pool) ?? now)
  if (latest <= now) return now
  return wholeSecond(toInstant(latest))
}

function rememberedLeaseSeconds(pool: IPPool): number {
  const { leaseTime = 0 } = pool.status?.ipv4 ?? {}
  return Math.min(leaseTime, LONGEST_LEASE_SECONDS)
}

function rememberedEnd(pool: IPPool): Instant | undefined {
  const text = pool.status?.ipv4?.longerLeasesUntil
  return text === undefined ? undefined : readable(() => parseInstant(text))
}

/**
 * Whoever edits the status by hand, or brings an older one back with a backup, takes leases from clients that go on using
 * them: their addresses rest as if they had been given back now (law 1), as soon as nobody else is written there.
 */
function forgottenLeases(
  { pool: before, forgotten }: PoolState,
  pool: IPPool,
  terms: Parameters<typeof restEnd>[0],
  now: Instant,
): readonly Rest[] {
  if (before === undefined) return []
  const until = restEnd(terms, now)
  const leases = leasesOf(before).map(([address, mac]) => ({ address, mac, until }))
  const held = new Map(leasesOf(pool))
  const resting = new Set(restsOf(pool).map(({ address }) => address))
  const isForgotten = ({ address, mac }: Rest) => held.get(address) !== mac && !resting.has(address)
  const taken = leases.filter(isForgotten)
  // Of two rests of one address the later one lasts longer.
  const known = new Set(taken.map(({ address }) => address))
  const earlier = [...forgotten, ...restsOf(before).filter(isForgotten)]
  return [...taken, ...earlier.filter((entry) => entry.until > now && !known.has(entry.address))]
}

function takenSince(before: IPPool | undefined, pool: IPPool): IPv4Address[] {
  const held = new Map(leasesOf(pool))
  const known = before === undefined ? [] : leasesOf(before)
  return known.flatMap(([address, mac]) => (held.get(address) === mac ? [] : [address]))
}

/**
 * A second controller may have given a MAC its address again since this one saw that nobody asks for it: no release on
 * what was seen before this change. Whoever wants to give something back asks again.
 */
function distrustLooks(state: PoolState, effects: PoolEffect[]): PoolState {
  return { ...forgetReleases(state, effects), changesByOthers: state.changesByOthers + 1 }
}

/** What was read or written comes on the watch too, unless it was there first. */
export function remember({ seenVersions, watchedVersion }: PoolState, pool: IPPool): readonly string[] {
  const { resourceVersion = '' } = pool.metadata
  if (resourceVersion === watchedVersion) return seenVersions
  return [...seenVersions, resourceVersion].slice(-REMEMBERED_VERSIONS)
}

function tellOwners(
  state: PoolState,
  pool: IPPool,
  isEdited: boolean,
  { configuration: { network }, allocator }: Book,
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
  // Somebody else took leases away, or wrote other ones: their owners shall ask again.
  const changed = leasesOf(before).filter(([address, mac]) => allocator.addressOf(mac) !== address)
  const owners = changed.map(([, mac]) => state.claims.get(mac)?.owner)
  const known = owners.filter((owner) => owner !== undefined)
  if (known.length < owners.length) effects.push({ type: 'nudge-network', network, scope: 'all' })
  else if (known.length > 0) effects.push({ type: 'nudge-owners', owners: known, scope: 'all' })
}

function isSame(before: IPPool | undefined, pool: IPPool): boolean {
  return (
    before !== undefined &&
    before.metadata.uid === pool.metadata.uid &&
    before.metadata.resourceVersion === pool.metadata.resourceVersion
  )
}
