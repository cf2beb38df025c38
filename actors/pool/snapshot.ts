import type { IPPool } from '../../src/api/ippool.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { leasesOf } from './book.ts'
import type { PoolSnapshot } from './contracts.ts'
import { servableSpec } from './served-spec.ts'

/**
 * What an agent must know of an IPPool: from its status as written, never from what is still in flight. Given also
 * while a write of an earlier leader may still land: agents watch the IPPool besides and see the same, and the data path
 * waits for nobody.
 */
export function snapshotOf(pool: IPPool): PoolSnapshot {
  return {
    uid: pool.metadata.uid ?? '',
    revision: pool.status?.ipv4?.revision ?? 0,
    generation: pool.metadata.generation ?? 0,
    namespace: pool.metadata.namespace ?? '',
    name: pool.metadata.name,
    spec: servableSpec(pool),
    ntpServers: pool.status?.ipv4?.ntpServers ?? [],
    leases: Object.fromEntries(leasesOf(pool).map(([address, mac]) => [formatIPv4Address(address), mac])),
  }
}
