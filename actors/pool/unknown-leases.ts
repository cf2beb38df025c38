import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import {
  type Instant,
  later,
  milliseconds,
  parseInstant,
  toInstant,
  wholeSecond,
} from '../../src/api/values/time.ts'
import { rest, restEnd } from './book.ts'
import type { Book, PoolState } from './state.ts'

/**
 * Leases that the pool's status does not know: what only the agent remembers, since the API went back to an old backup,
 * and what an earlier pool of the network left behind. Their addresses rest (law 1), and are kept for their MACs
 * meanwhile (law 7). What the agent says is a hint (law 4), which can keep free addresses from others for a lease time at
 * most, and takes none from anybody.
 * @returns whether anything rests now that did not before
 */
export function restUnknownLeases({ agent, registration }: PoolState, book: Book, now: Instant): boolean {
  const { range } = book.configuration
  const latest = restEnd(book, now)
  const told = agent?.at ?? now
  const remembered = (agent?.report.unknownLeases ?? []).map((lease) => {
    const end =
      lease.remainingMs === undefined
        ? parseInstant(lease.until)
        : later(told, milliseconds(lease.remainingMs))
    return {
      address: parseIPv4Address(lease.address),
      mac: parseMacAddress(lease.macAddress),
      until: wholeSecond(toInstant(Math.min(end, latest))),
    }
  })
  let isNew = false
  for (const entry of [...remembered, ...(registration?.resting ?? [])]) {
    const { address } = entry
    if (address < range.start || address > range.end || book.allocator.isExcluded(address)) continue
    isNew = rest(book, entry, now) || isNew
  }
  return isNew
}
