import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../src/api/values/mac-address.ts'
import { type ObjectKey, sameObjectKey } from '../../src/api/values/object-key.ts'
import type { Instant } from '../../src/api/values/time.ts'
import type { LeaseTable } from './state.ts'

/** Leases that clients may use still, of a pool that is gone. */
export interface LeftBehind {
  network: ObjectKey
  leases: ReadonlyMap<IPv4Address, { mac: MacAddress; until: Instant }>
}

/**
 * A pool that is deleted has given everything back before. One that goes with leases was taken away by force, or by a
 * backup from before its time: the next pool of the network knows nothing of them.
 */
export function leftBehind({ macs, acknowledged, outstanding, configuration }: LeaseTable): LeftBehind {
  const leases = new Map(outstanding)
  for (const [address, mac] of macs) {
    const until = acknowledged.get(address)
    if (until !== undefined && !leases.has(address)) leases.set(address, { mac, until })
  }
  return { network: configuration.network, leases }
}

/** Who has an address in the new pool too keeps it; the other leases run out before somebody else gets theirs (law 1). */
export function takeOver({ network, leases }: LeftBehind, table: LeaseTable, now: Instant): void {
  if (!sameObjectKey(network, table.configuration.network)) return
  for (const [address, { mac, until }] of leases) {
    if (until <= now) continue
    table.freed.delete(address)
    if (table.macs.get(address) === mac) table.acknowledged.set(address, until)
    else table.outstanding.set(address, { mac, until })
  }
}
