import { type IPv4Address, toIPv4Address } from '../api/values/ipv4-address.ts'
import type { AddressRange } from './allocator.ts'

/**
 * The addresses of a range that were never used, lowest first, in memory that grows with the used ones only:
 * a cursor, below which all are used, and the set of those used ahead of it. The cursor passes every used or
 * excluded address once, so both methods are O(1) amortised.
 */
export class NeverUsed {
  /** A plain number: one past 255.255.255.255 when that was used. */
  #cursor: number
  readonly #end: IPv4Address
  readonly #excluded: ReadonlySet<IPv4Address>
  readonly #ahead = new Set<number>()

  constructor(range: AddressRange, excluded: ReadonlySet<IPv4Address>) {
    this.#cursor = range.start
    this.#end = range.end
    this.#excluded = excluded
  }

  lowest(): IPv4Address | undefined {
    while (this.#cursor <= this.#end && this.#isSpent(this.#cursor)) {
      this.#ahead.delete(this.#cursor)
      this.#cursor += 1
    }
    return this.#cursor <= this.#end ? toIPv4Address(this.#cursor) : undefined
  }

  /** From now on the address, which must be in the range, counts as used. */
  use(address: IPv4Address): void {
    if (address >= this.#cursor) this.#ahead.add(address)
  }

  #isSpent(address: number): boolean {
    return this.#ahead.has(address) || this.#excluded.has(toIPv4Address(address))
  }
}
