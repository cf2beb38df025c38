import * as z from 'zod'
import { type IPPool, RESTING_ADDRESSES_ANNOTATION } from '../../src/api/ippool.ts'
import type { KubeObject } from '../../src/api/object.ts'
import { parseRests } from './book.ts'
import type { Rest } from './state.ts'

/** An annotation has room for 256 KiB with all others; an entry takes up to 80 bytes. */
const MAXIMUM_ENTRIES = 2_000

const restingSchema = z.record(z.string(), z.looseObject({ macAddress: z.string(), until: z.string() }))
type Resting = z.infer<typeof restingSchema>

/**
 * Addresses that rest outlive their pool: the next pool of the network must not give them to others while clients of the
 * one before may still use them (law 1). They are written down on the network, which stays.
 */
export function restsOnNetwork(network: KubeObject): Rest[] {
  return parseRests(read(network))
}

/** The annotations of a network that `pool` leaves; none when nothing rests there. Of too many the last to end are kept. */
export function annotationsWithRests(network: KubeObject, pool: IPPool): Record<string, string> {
  const all = Object.entries({ ...read(network), ...pool.status?.ipv4?.resting })
  if (all.length === 0) return {}
  const kept = all.sort(([, a], [, b]) => (a.until < b.until ? 1 : -1)).slice(0, MAXIMUM_ENTRIES)
  const entries = kept.map(([address, { macAddress, until }]) => [address, { macAddress, until }])
  return { [RESTING_ADDRESSES_ANNOTATION]: JSON.stringify(Object.fromEntries(entries)) }
}

/** What people wrote there and makes no sense says nothing. */
function read({ metadata }: KubeObject): Resting {
  try {
    return restingSchema.parse(JSON.parse(metadata.annotations?.[RESTING_ADDRESSES_ANNOTATION] ?? '{}'))
  } catch {
    return {}
  }
}
