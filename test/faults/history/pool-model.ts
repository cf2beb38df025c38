import type { IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import type { PoolOperation } from './events.ts'

/** An address that nobody was told of: different from every other. */
export const UNTOLD = 'untold'
export type Held = IPv4Address | typeof UNTOLD
/** The pool as one that does one thing after another would have it: who holds what. */
export type PoolModel = ReadonlyMap<MacAddress, Held>

export const EMPTY_POOL: PoolModel = new Map()

/**
 * What the pool may be after an operation with this answer; empty when it could not have answered so.
 * An address has one holder; a MAC that holds one gets the same one again, and is not refused.
 * @param told what this MAC is ever told in the history: an allocation without an answer may have given one of these
 */
export function outcomesOf(
  pool: PoolModel,
  operation: PoolOperation,
  told: readonly IPv4Address[],
): readonly PoolModel[] {
  const { mac } = operation
  const held = pool.get(mac)
  if (operation.type === 'release') return [held === undefined ? pool : without(pool, mac)]
  const { outcome } = operation
  if (outcome.type === 'refused') return held === undefined ? [pool] : []
  if (held !== undefined) return outcome.type === 'unknown' || outcome.address === held ? [pool] : []
  const taken = new Set(pool.values())
  const candidates = outcome.type === 'address' ? [outcome.address] : told
  const given = candidates.filter((address) => !taken.has(address)).map((address) => give(pool, mac, address))
  return outcome.type === 'unknown' ? [...given, give(pool, mac, UNTOLD)] : given
}

/** The same for equal pools. */
export function poolKey(pool: PoolModel): string {
  return [...pool]
    .map(([mac, held]) => `${mac}=${held}`)
    .sort()
    .join()
}

function give(pool: PoolModel, mac: MacAddress, held: Held): PoolModel {
  return new Map(pool).set(mac, held)
}

function without(pool: PoolModel, mac: MacAddress): PoolModel {
  const next = new Map(pool)
  next.delete(mac)
  return next
}
