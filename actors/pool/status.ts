import { type Condition, type ConditionValue, setCondition } from '../../src/api/condition.ts'
import {
  EXCLUDED_MARK,
  type IPPool,
  type IPPoolConditionType,
  type IPPoolStatus,
  RESERVED_MARK,
} from '../../src/api/ippool.ts'
import { mergePatchBetween } from '../../src/api/merge-patch.ts'
import { reservedAddresses } from '../../src/api/pool-configuration.ts'
import { formatIPv4Address, type IPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatInstant, type Instant } from '../../src/api/values/time.ts'
import { agentCondition, agentPodRef } from './agent-condition.ts'
import { leasesOf } from './book.ts'
import { withNotices } from './notices.ts'
import type { Book, PoolState } from './state.ts'

/** Option 42 has room for 63; clients use the first few. */
const MAXIMUM_NTP_SERVERS = 16

export interface StatusChange {
  /** A merge patch of the status subresource, without resourceVersion. */
  patch: Record<string, unknown>
  /** What agents must learn: address to MAC, null where a lease went. */
  leaseChanges: Record<string, string | null>
}

/** What must be written so that the IPPool's status says what the actor knows; undefined when it says so already. */
export function statusChange(state: PoolState, now: Instant): StatusChange | undefined {
  const { pool, book } = state
  if (pool === undefined) return undefined
  const current: IPPoolStatus = pool.status ?? {}
  const generation = pool.metadata.generation ?? 0
  const leaseChanges = book === undefined ? {} : leaseDifference(leasesBefore(pool), leasesNow(book))
  const ntpServers = book === undefined ? current.ipv4?.ntpServers : ntpServersOf(state, book, pool)
  const agentsMustLearn =
    // A write that changes nothing would overtake none, nor would a repetition of the lost one.
    state.fence ||
    Object.keys(leaseChanges).length > 0 ||
    current.observedGeneration !== generation ||
    (current.ipv4?.ntpServers ?? []).join() !== (ntpServers ?? []).join()

  const desired: IPPoolStatus = {
    ...current,
    observedGeneration: generation,
    conditions: [...withNotices(state, pool, conditions(state, current.conditions ?? [], now), now)],
    // Known to who starts while the spec is still invalid.
    servedSpec: state.invalid === undefined ? undefined : state.servedSpec,
    agentPodRef: agentPodRef(state, now),
  }
  if (book !== undefined) {
    const revision = revisionOf(pool, now)
    desired.ipv4 = {
      ...current.ipv4,
      allocated: allocatedMap(book),
      available: book.allocator.available,
      used: book.allocator.used,
      revision: agentsMustLearn ? revision + 1 : (current.ipv4?.revision ?? revision),
      resting: restingMap(book),
      leaseTime: book.configuration.leaseSeconds,
      longerLeasesUntil: book.longerLeasesEnd > now ? formatInstant(book.longerLeasesEnd) : undefined,
      ntpServers: ntpServers?.length ? ntpServers : undefined,
    }
  }
  const patch = mergePatchBetween(current, desired)
  if (patch === undefined) return undefined
  return { patch: { ...patch, lastUpdate: formatInstant(now) }, leaseChanges }
}

function conditions(state: PoolState, current: readonly Condition[], now: Instant): readonly Condition[] {
  const { registration, invalid } = state
  const paused = state.pool?.spec.paused ?? false
  const values: Record<IPPoolConditionType, ConditionValue> = {
    Registered:
      registration === undefined
        ? lastKnown(current, 'Registered')
        : { status: registration.registered, reason: registration.reason, message: registration.message },
    CacheReady:
      invalid === undefined
        ? { status: true }
        : { status: false, reason: 'InvalidSpec', message: `${invalid}; ${meanwhile(state)}` },
    AgentReady: agentCondition(state, now),
    Stopped: paused
      ? { status: true, reason: 'Paused', message: 'spec.paused is true; set it to false to serve again' }
      : { status: false },
  }
  return Object.entries(values).reduce<readonly Condition[]>(
    (list, [type, value]) => setCondition(list, type, value, now),
    current,
  )
}

function meanwhile({ book, servedSpec }: PoolState): string {
  if (servedSpec !== undefined)
    return 'until it is put right the last valid spec is served, and nothing new is allocated'
  if (book !== undefined)
    return 'what is allocated is kept, and nothing new is allocated until it is put right'
  return 'nothing can be done before it is put right'
}

/**
 * Whoever took the counter away, an earlier release of the system say, may have changed leases since: agents that know
 * of a higher one must not take what follows for old news. No counter ever runs ahead of the milliseconds.
 */
function revisionOf(pool: IPPool, now: Instant): number {
  return pool.status?.ipv4?.revision ?? (pool.status?.ipv4 === undefined ? 0 : now)
}

/** A controller that has just started repeats what was known, until it has looked itself. */
function lastKnown(current: readonly Condition[], type: IPPoolConditionType): ConditionValue {
  const condition = current.find((candidate) => candidate.type === type)
  return condition === undefined
    ? { status: false, reason: 'Pending', message: 'not looked at yet' }
    : { status: condition.status === 'True', reason: condition.reason, message: condition.message }
}

/** Of names that were never resolved, what an earlier controller made of them is still in the status. */
function ntpServersOf(state: PoolState, book: Book, pool: IPPool): string[] {
  const parts = book.configuration.ntp.map((name) => state.ntp.get(name))
  const found = parts.flatMap((addresses) => (addresses ?? []).map(formatIPv4Address))
  const earlier = parts.includes(undefined) ? (pool.status?.ipv4?.ntpServers ?? []) : []
  return [...new Set([...found, ...earlier])].slice(0, MAXIMUM_NTP_SERVERS)
}

function allocatedMap(book: Book): Record<string, string> {
  const { configuration, allocator } = book
  const { range, excluded } = configuration
  const entries: [IPv4Address, string][] = [...allocator.held()]
  const mark = (address: IPv4Address, text: string) => {
    if (address >= range.start && address <= range.end && allocator.holderOf(address) === undefined) {
      entries.push([address, text])
    }
  }
  for (const address of reservedAddresses(configuration)) mark(address, RESERVED_MARK)
  const reserved = new Set(reservedAddresses(configuration))
  for (const address of excluded) if (!reserved.has(address)) mark(address, EXCLUDED_MARK)
  return Object.fromEntries(
    entries.sort(([a], [b]) => a - b).map(([address, text]) => [formatIPv4Address(address), text]),
  )
}

function restingMap(book: Book): Record<string, { macAddress: string; until: string }> | undefined {
  const entries = [...book.allocator.resting()].map(([address, mac]) => {
    const until = book.restingUntil.get(address) ?? (0 as Instant)
    return [formatIPv4Address(address), { macAddress: mac, until: formatInstant(until) }] as const
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

type Leases = ReadonlyMap<IPv4Address, string>
const leasesNow = (book: Book): Leases => new Map(book.allocator.held())
const leasesBefore = (pool: NonNullable<PoolState['pool']>): Leases => new Map(leasesOf(pool))

function leaseDifference(before: Leases, now: Leases): Record<string, string | null> {
  const changes: Record<string, string | null> = {}
  for (const [address, mac] of now) if (before.get(address) !== mac) changes[formatIPv4Address(address)] = mac
  for (const address of before.keys()) if (!now.has(address)) changes[formatIPv4Address(address)] = null
  return changes
}
