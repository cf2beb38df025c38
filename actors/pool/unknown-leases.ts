import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { type Instant, parseInstant, toInstant } from '../../src/api/values/time.ts'
import { rest, restEnd } from './book.ts'
import type { Book, PoolState } from './state.ts'

/**
 * Leases that only the agent remembers, since the API went back to an old backup: their addresses rest (law 1), and are
 * kept for their MACs meanwhile (law 7). It is a hint (law 4), which can keep free addresses from others for a lease time
 * at most, and takes none from anybody.
 * @returns whether anything rests now that did not before
 */
export function restUnknownLeases({ agent }: PoolState, book: Book, now: Instant): boolean {
  const { range } = book.configuration
  const latest = restEnd(book, now)
  let isNew = false
  for (const lease of agent?.report.unknownLeases ?? []) {
    const address = parseIPv4Address(lease.address)
    // Whole seconds, rounded up, because that is what the status keeps.
    const until = toInstant(Math.ceil(Math.min(parseInstant(lease.until), latest) / 1000) * 1000)
    if (address < range.start || address > range.end || book.allocator.isExcluded(address)) continue
    isNew = rest(book, { address, mac: parseMacAddress(lease.macAddress), until }, now) || isNew
  }
  return isNew
}
