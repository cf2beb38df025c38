import { type ObjectKey, sameObjectKey } from '../../src/api/values/object-key.ts'
import type { Instant } from '../../src/api/values/time.ts'
import { leasesOf, restEnd, restsOf } from './book.ts'
import type { Book, PoolState, Rest } from './state.ts'

/**
 * What clients of a network may use still when its pool is gone. A pool that is deleted has given everything back, and
 * leaves a note on the network; one that a backup from before its time, or force, took away has not.
 */
export interface Remains {
  network: ObjectKey
  leases: readonly Rest[]
}

/** Undefined when there are none. */
export function remainsOf({ pool, book, forgotten }: PoolState, now: Instant): Remains | undefined {
  if (pool === undefined || book === undefined) return undefined
  const until = restEnd(book, now)
  const held = leasesOf(pool).map(([address, mac]) => ({ address, mac, until }))
  const earlier = [...restsOf(pool), ...forgotten].filter((entry) => entry.until > now)
  const leases = [...held, ...earlier]
  return leases.length === 0 ? undefined : { network: book.configuration.network, leases }
}

/** Of those, what concerns a pool that has just come. */
export function inheritedBy(
  configuration: Book['configuration'],
  remains: Remains | undefined,
  now: Instant,
): readonly Rest[] {
  if (remains === undefined || !sameObjectKey(remains.network, configuration.network)) return []
  const { start, end } = configuration.range
  return remains.leases.filter(({ address, until }) => until > now && address >= start && address <= end)
}
