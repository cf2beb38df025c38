import { EXCLUDED_MARK, type IPPool, RESERVED_MARK } from '../../src/api/ippool.ts'
import { parsePoolConfiguration, reservedAddresses } from '../../src/api/pool-configuration.ts'
import { formatIPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { leasesOf } from './pool-history.ts'

/** What the status of an IPPool must say, counted here once more. */
export interface Books {
  readonly capacity: number
  readonly used: number
  /** Address to mark: those of the range that nobody may be given, and nobody holds. */
  readonly marks: ReadonlyMap<string, string>
  isOffered(address: string): boolean
}

/** @returns undefined while the spec is not valid */
export function countBooks(pool: Pick<IPPool, 'metadata' | 'spec' | 'status'>): Books | undefined {
  const parsed = parsePoolConfiguration(pool)
  if (!parsed.ok) return undefined
  const { configuration } = parsed
  const { start, end } = configuration.range
  const isInside = (address: number) => address >= start && address <= end
  const reserved = new Set<number>(reservedAddresses(configuration).filter(isInside))
  const closed = new Set<number>([...configuration.excluded.filter(isInside), ...reserved])
  const isOffered = (text: string) => {
    const address = parseIPv4Address(text)
    return isInside(address) && !closed.has(address)
  }
  const leases = leasesOf(pool)
  const marks = [...configuration.excluded.filter(isInside), ...reservedAddresses(configuration)].map(
    (address) => [formatIPv4Address(address), reserved.has(address) ? RESERVED_MARK : EXCLUDED_MARK] as const,
  )
  return {
    capacity: end - start + 1 - closed.size,
    used: [...leases.keys()].filter(isOffered).length,
    marks: new Map(marks.filter(([address]) => !leases.has(address))),
    isOffered,
  }
}
