import { describeProblems, type FieldProblem } from '../../src/api/field-problem.ts'
import { ipPoolSchema } from '../../src/api/ippool.ts'
import { type PoolConfiguration, parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../src/api/values/mac-address.ts'
import {
  between,
  formatInstant,
  type Instant,
  later,
  seconds,
  toInstant,
  wholeSecond,
} from '../../src/api/values/time.ts'
import type { Binding } from '../../src/dhcp/decide.ts'
import { type PreparedNetwork, prepareNetwork } from '../../src/dhcp/network.ts'
import {
  type LeaseDelta,
  MAXIMUM_UNKNOWN_LEASES,
  type PoolSnapshot,
  type UnknownLease,
} from '../pool/contracts.ts'
import type { SnapshotSource } from './messages.ts'
import type { LeaseTable } from './state.ts'

/** The spec in a snapshot cannot be served. */
export class UnservableSnapshotError extends Error {
  override readonly name = 'UnservableSnapshotError'
  constructor(readonly problems: readonly FieldProblem[]) {
    super(`the IPPool's spec cannot be served: ${describeProblems(problems)}`)
  }
}

/** Of MACs that lost their address, so many are remembered. */
const MAXIMUM_REVOKED = 10_000

/** @throws UnservableSnapshotError */
export function openLeaseTable(
  snapshot: PoolSnapshot,
  source: SnapshotSource,
  previous: LeaseTable | undefined,
): LeaseTable {
  const { leases, ...rest } = snapshot
  const configuration = configurationOf(snapshot)
  const table: LeaseTable = {
    snapshot: rest,
    source,
    configuration,
    network: networkOf(configuration, snapshot),
    addresses: new Map(),
    macs: new Map(),
    revoked: previous?.revoked ?? new Set(),
    acknowledged: new Map(),
    freed: new Map(previous?.freed),
    // Whoever has the address now, the lease of another runs out all the same.
    outstanding: new Map(previous?.outstanding),
  }
  for (const [address, mac] of Object.entries(leases)) {
    adopt(table, parseIPv4Address(address), parseMacAddress(mac))
  }
  if (previous === undefined) return table
  for (const mac of previous.addresses.keys()) if (!table.addresses.has(mac)) revoke(table, mac)
  for (const [address, mac] of previous.macs) passOn(previous, table, address, mac)
  for (const address of previous.freed.keys()) passOn(previous, table, address, undefined)
  return table
}

/** Changes `table` in place. The delta must follow on the table's revision. */
export function applyDelta(table: LeaseTable, delta: LeaseDelta): void {
  const entries = Object.entries(delta.leases).map(
    ([address, mac]) => [parseIPv4Address(address), mac === null ? null : parseMacAddress(mac)] as const,
  )
  const holders = entries.map(([address]) => [address, table.macs.get(address)] as const)
  // First what goes, then what comes: a MAC may have moved from one address to another.
  for (const [address] of entries) {
    const holder = table.macs.get(address)
    if (holder === undefined) continue
    table.macs.delete(address)
    if (table.addresses.get(holder) !== address) continue
    table.addresses.delete(holder)
    revoke(table, holder)
  }
  for (const [address, mac] of entries) if (mac !== null) bind(table, address, mac)
  for (const [address, mac] of holders) passOn(table, table, address, mac)
  table.snapshot = { ...table.snapshot, revision: delta.revision }
}

export function bindingOf(table: LeaseTable, mac: MacAddress): Binding {
  return table.addresses.get(mac) ?? (table.revoked.has(mac) ? 'revoked' : undefined)
}

/** The whole table again, as a snapshot for the state file. */
export function toSnapshot(table: LeaseTable): PoolSnapshot {
  const leases = Object.fromEntries(
    [...table.macs].map(([address, mac]) => [formatIPv4Address(address), mac]),
  )
  return { ...table.snapshot, leases }
}

/**
 * Law 1 as clients see it. The pool lets an address rest until its last lease has run out, unless its client is gone,
 * and the agent sees it free for a while. Who was out of touch for so long that it sees one MAC take the other's place
 * may have acknowledged the lease of the first long after the pool took it back: that lease must run out.
 */
export function isStillLeasedToAnother(
  table: LeaseTable,
  address: IPv4Address,
  mac: MacAddress,
  now: Instant,
): boolean {
  const lease = table.outstanding.get(address)
  return lease !== undefined && lease.until > now && lease.mac !== mac
}

/** Leases that have run out are nothing to remember: an agent that lives for months must not grow. */
export function forgetRunOut({ freed, outstanding }: LeaseTable, now: Instant): void {
  for (const leases of [freed, outstanding]) {
    for (const [address, { until }] of leases) if (until <= now) leases.delete(address)
  }
}

/** What the pool is to know: addresses that look free to it while a client may use them. */
export function unknownLeases(table: LeaseTable, now: Instant): UnknownLease[] {
  const leases: UnknownLease[] = []
  for (const [address, { mac, until }] of table.outstanding) {
    if (leases.length >= MAXIMUM_UNKNOWN_LEASES) break
    if (until <= now || table.macs.has(address)) continue
    leases.push({
      address: formatIPv4Address(address),
      macAddress: mac,
      until: formatInstant(wholeSecond(until)),
      remainingMs: between(now, until),
    })
  }
  return leases
}

export function noteAcknowledged(table: LeaseTable, address: IPv4Address, now: Instant): void {
  const until = later(now, seconds(table.configuration.leaseSeconds))
  // A shorter lease does not take back what a longer one promised.
  if (until > (table.acknowledged.get(address) ?? 0)) table.acknowledged.set(address, until)
}

/**
 * What a state file tells was acknowledged in an earlier life, nobody knows when last: until a lease time has passed, an
 * address may be in use by the MAC that the file names.
 */
export function presumeAcknowledged(table: LeaseTable, now: Instant): void {
  for (const address of table.macs.keys()) noteAcknowledged(table, address, now)
}

/**
 * The API server went back to an earlier state, a backup that was restored. Leases that `before` has and `table` forgot
 * may be in use, and no pool lets their addresses rest. Who was acknowledged is not told to stop: to a server without
 * a record of it RFC 2131 §4.3.2 prescribes silence, and its owner may be about to ask again.
 */
export function keepForgotten(before: LeaseTable, table: LeaseTable, now: Instant): void {
  const longest = later(now, seconds(before.configuration.leaseSeconds))
  for (const [address, mac] of before.macs) {
    if (table.macs.get(address) === mac) continue
    const acknowledged = before.acknowledged.get(address) ?? 0
    table.outstanding.set(address, { mac, until: toInstant(Math.max(longest, acknowledged)) })
    if (acknowledged > now) table.revoked.delete(mac)
  }
}

/** What is known of the leases of one address, as it passes from the holder in `before` to the one in `table`. */
function passOn(
  before: LeaseTable,
  table: LeaseTable,
  address: IPv4Address,
  from: MacAddress | undefined,
): void {
  const acknowledged = before.acknowledged.get(address)
  const earlier = before.freed.get(address)
  const to = table.macs.get(address)
  table.acknowledged.delete(address)
  if (to !== undefined) table.freed.delete(address)
  if (from === undefined) {
    if (earlier !== undefined && to === earlier.mac) table.acknowledged.set(address, earlier.until)
    return
  }
  if (acknowledged === undefined) return
  if (to === undefined) table.freed.set(address, { mac: from, until: acknowledged })
  else if (from === to) table.acknowledged.set(address, acknowledged)
  else table.outstanding.set(address, { mac: from, until: acknowledged })
}

/** A MAC with two addresses, written by hand, keeps the lower one: so does the pool. */
function adopt(table: LeaseTable, address: IPv4Address, mac: MacAddress): void {
  const other = table.addresses.get(mac)
  if (other === undefined || address < other) bind(table, address, mac)
  else table.macs.set(address, mac)
}

function bind(table: LeaseTable, address: IPv4Address, mac: MacAddress): void {
  table.addresses.set(mac, address)
  table.macs.set(address, mac)
  table.revoked.delete(mac)
}

function revoke(table: LeaseTable, mac: MacAddress): void {
  table.revoked.add(mac)
  for (const oldest of table.revoked) {
    if (table.revoked.size <= MAXIMUM_REVOKED) break
    table.revoked.delete(oldest)
  }
}

/** @throws UnservableSnapshotError */
function networkOf(configuration: PoolConfiguration, snapshot: PoolSnapshot): PreparedNetwork {
  const { router, domainName } = configuration
  try {
    return prepareNetwork({
      serverIdentifier: configuration.serverAddress,
      subnet: configuration.subnet,
      dns: configuration.dns,
      domainSearch: configuration.domainSearch,
      ntpServers: snapshot.ntpServers.map(parseIPv4Address),
      leaseSeconds: configuration.leaseSeconds,
      ...(router === undefined ? {} : { router }),
      ...(domainName === undefined ? {} : { domainName }),
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new UnservableSnapshotError([{ path: 'spec.ipv4Config', message }])
  }
}

function configurationOf(snapshot: PoolSnapshot): PoolConfiguration {
  const { namespace, name, spec } = snapshot
  const pool = ipPoolSchema.safeParse({ metadata: { namespace, name }, spec })
  if (!pool.success) throw new UnservableSnapshotError([{ path: 'spec', message: pool.error.message }])
  const parsed = parsePoolConfiguration(pool.data)
  if (!parsed.ok) throw new UnservableSnapshotError(parsed.problems)
  return parsed.configuration
}
