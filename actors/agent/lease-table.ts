import { describeProblems, type FieldProblem } from '../../src/api/field-problem.ts'
import { ipPoolSchema } from '../../src/api/ippool.ts'
import { type PoolConfiguration, parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../src/api/values/mac-address.ts'
import type { Binding } from '../../src/dhcp/decide.ts'
import { prepareNetwork } from '../../src/dhcp/network.ts'
import type { LeaseDelta, PoolSnapshot } from '../pool/contracts.ts'
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
    network: prepareNetwork({
      serverIdentifier: configuration.serverAddress,
      subnet: configuration.subnet,
      dns: configuration.dns,
      domainSearch: configuration.domainSearch,
      ntpServers: snapshot.ntpServers.map(parseIPv4Address),
      leaseSeconds: configuration.leaseSeconds,
      ...(configuration.router === undefined ? {} : { router: configuration.router }),
      ...(configuration.domainName === undefined ? {} : { domainName: configuration.domainName }),
    }),
    addresses: new Map(),
    macs: new Map(),
    revoked: previous?.revoked ?? new Set(),
  }
  for (const [address, mac] of Object.entries(leases)) {
    bind(table, parseIPv4Address(address), parseMacAddress(mac))
  }
  for (const mac of previous?.addresses.keys() ?? []) if (!table.addresses.has(mac)) revoke(table, mac)
  return table
}

/** Changes `table` in place. The delta must follow on the table's revision. */
export function applyDelta(table: LeaseTable, delta: LeaseDelta): void {
  const entries = Object.entries(delta.leases).map(
    ([address, mac]) => [parseIPv4Address(address), mac === null ? null : parseMacAddress(mac)] as const,
  )
  // First what goes, then what comes: a MAC may have moved from one address to another.
  for (const [address] of entries) {
    const holder = table.macs.get(address)
    if (holder === undefined) continue
    table.macs.delete(address)
    table.addresses.delete(holder)
    revoke(table, holder)
  }
  for (const [address, mac] of entries) if (mac !== null) bind(table, address, mac)
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

function configurationOf(snapshot: PoolSnapshot): PoolConfiguration {
  const { namespace, name, spec } = snapshot
  const pool = ipPoolSchema.safeParse({ metadata: { namespace, name }, spec })
  if (!pool.success) throw new UnservableSnapshotError([{ path: 'spec', message: pool.error.message }])
  const parsed = parsePoolConfiguration(pool.data)
  if (!parsed.ok) throw new UnservableSnapshotError(parsed.problems)
  return parsed.configuration
}
