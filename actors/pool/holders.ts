import { formatIPv4Address, type IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../src/api/values/mac-address.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import type { Book, PoolState } from './state.ts'

export type Lease = readonly [IPv4Address, MacAddress]

/** More make a message that nobody reads. */
const MAXIMUM_NAMED = 10

/** Leases that an edit of the pool left outside: excluded now, reserved now, or out of the range. */
export function leasesOutside({ allocator, configuration }: Book): Lease[] {
  const { start, end } = configuration.range
  return [...allocator.held()].filter(
    ([address]) => address < start || address > end || allocator.isExcluded(address),
  )
}

/** "192.168.48.84 (ca:70:82:e6:84:6e), …": the same after every restart, so that a status says it once. */
export function listLeases(leases: readonly Lease[]): string {
  return list(leases, ([address, mac]) => `${formatIPv4Address(address)} (${mac})`)
}

/** The same with the VirtualMachineNetworkConfigs that asked, as far as they are known. */
export function nameHolders(leases: readonly Lease[], claims: PoolState['claims']): string {
  return list(leases, ([address, mac]) => {
    const owner = claims.get(mac)?.owner
    return `${formatIPv4Address(address)} (${owner === undefined ? mac : formatObjectKey(owner)})`
  })
}

function list(leases: readonly Lease[], describe: (lease: Lease) => string): string {
  const named = leases.slice(0, MAXIMUM_NAMED).map(describe).join(', ')
  const more = leases.length - MAXIMUM_NAMED
  return more > 0 ? `${named} and ${more} more` : named
}
