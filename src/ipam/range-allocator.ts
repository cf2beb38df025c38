import type { IPv4Address } from '../api/values/ipv4-address.ts'
import type { MacAddress } from '../api/values/mac-address.ts'
import type { AddressRange, Allocator } from './allocator.ts'
import {
  AddressExcludedError,
  AddressOutOfRangeError,
  AddressTakenError,
  InvalidRangeError,
  MacHoldsAnotherAddressError,
  PoolExhaustedError,
} from './errors.ts'
import { NeverUsed } from './never-used.ts'
import { ReleaseQueue } from './release-queue.ts'
import { RestingAddresses } from './resting-addresses.ts'

export interface AllocatorOptions {
  range: AddressRange
  /** May hold addresses outside the range: they change nothing. */
  excluded: Iterable<IPv4Address>
}

/** @throws InvalidRangeError when the start is above the end */
export function createAllocator(options: AllocatorOptions): Allocator {
  return new RangeAllocator(options)
}

class RangeAllocator implements Allocator {
  readonly capacity: number
  readonly #range: AddressRange
  readonly #excluded: ReadonlySet<IPv4Address>
  readonly #macs = new Map<IPv4Address, MacAddress>()
  readonly #addresses = new Map<MacAddress, IPv4Address>()
  readonly #resting = new RestingAddresses()
  readonly #neverUsed: NeverUsed
  readonly #released = new ReleaseQueue()
  /** Inside the range. */
  #excludedCount = 0
  /** Of the leasable addresses only: what was adopted from elsewhere counts in neither. */
  #used = 0
  #restingCount = 0

  constructor({ range, excluded }: AllocatorOptions) {
    if (range.start > range.end) throw new InvalidRangeError(range)
    this.#range = range
    this.#excluded = new Set(excluded)
    for (const address of this.#excluded) if (this.#inRange(address)) this.#excludedCount += 1
    this.capacity = range.end - range.start + 1 - this.#excludedCount
    this.#neverUsed = new NeverUsed(range, this.#excluded)
  }

  get used(): number {
    return this.#used
  }

  get available(): number {
    return this.capacity - this.#used
  }

  allocate(mac: MacAddress, hint?: IPv4Address): IPv4Address {
    const current = this.#addresses.get(mac)
    if (current !== undefined) return current
    const address =
      this.#restingFor(mac, hint) ??
      (hint !== undefined && this.#isFree(hint) ? hint : undefined) ??
      this.#neverUsed.lowest() ??
      this.#released.head
    if (address === undefined) {
      throw new PoolExhaustedError({
        capacity: this.capacity,
        held: this.#used,
        excluded: this.#excludedCount,
        resting: this.#restingCount,
      })
    }
    this.#hold(address, mac)
    return address
  }

  claim(address: IPv4Address, mac: MacAddress): void {
    if (this.#macs.get(address) === mac) return
    if (!this.#inRange(address)) throw new AddressOutOfRangeError(address, this.#range)
    if (this.#excluded.has(address)) throw new AddressExcludedError(address)
    this.adopt(address, mac)
  }

  adopt(address: IPv4Address, mac: MacAddress): void {
    const holder = this.#macs.get(address)
    if (holder === mac) return
    if (holder !== undefined) throw new AddressTakenError(address, holder, 'held')
    const owner = this.#resting.ownerOf(address)
    if (owner !== undefined && owner !== mac) throw new AddressTakenError(address, owner, 'resting')
    const current = this.#addresses.get(mac)
    if (current !== undefined) throw new MacHoldsAnotherAddressError(mac, current)
    this.#hold(address, mac)
  }

  release(mac: MacAddress, { rest = false }: { rest?: boolean } = {}): IPv4Address | undefined {
    const address = this.#addresses.get(mac)
    if (address === undefined) return undefined
    this.#addresses.delete(mac)
    this.#macs.delete(address)
    if (this.#isLeasable(address)) this.#used -= 1
    if (rest) this.#setResting(address, mac)
    else this.#free(address)
    return address
  }

  rest(address: IPv4Address, mac: MacAddress): void {
    const holder = this.#macs.get(address)
    if (holder !== undefined) throw new AddressTakenError(address, holder, 'held')
    const owner = this.#resting.ownerOf(address)
    if (owner === mac) return
    if (owner !== undefined) throw new AddressTakenError(address, owner, 'resting')
    this.#markUsed(address)
    this.#setResting(address, mac)
  }

  wake(address: IPv4Address): void {
    if (this.#endRest(address)) this.#free(address)
  }

  addressOf(mac: MacAddress): IPv4Address | undefined {
    return this.#addresses.get(mac)
  }

  holderOf(address: IPv4Address): MacAddress | undefined {
    return this.#macs.get(address)
  }

  isExcluded(address: IPv4Address): boolean {
    return this.#excluded.has(address)
  }

  held(): Iterable<[IPv4Address, MacAddress]> {
    return ascending(this.#macs)
  }

  resting(): Iterable<[IPv4Address, MacAddress]> {
    return ascending(this.#resting.entries())
  }

  #restingFor(mac: MacAddress, hint: IPv4Address | undefined): IPv4Address | undefined {
    let last: IPv4Address | undefined
    for (const address of this.#resting.addressesOf(mac)) {
      if (!this.#isLeasable(address)) continue
      if (address === hint) return address
      last = address
    }
    return last
  }

  /** The one place where an address becomes held; the caller has checked that it may. */
  #hold(address: IPv4Address, mac: MacAddress): void {
    if (!this.#endRest(address)) this.#markUsed(address)
    this.#macs.set(address, mac)
    this.#addresses.set(mac, address)
    if (this.#isLeasable(address)) this.#used += 1
  }

  #setResting(address: IPv4Address, mac: MacAddress): void {
    this.#resting.add(address, mac)
    if (this.#isLeasable(address)) this.#restingCount += 1
  }

  #endRest(address: IPv4Address): boolean {
    const rested = this.#resting.remove(address)
    if (rested && this.#isLeasable(address)) this.#restingCount -= 1
    return rested
  }

  #markUsed(address: IPv4Address): void {
    if (!this.#released.remove(address) && this.#isLeasable(address)) this.#neverUsed.use(address)
  }

  #free(address: IPv4Address): void {
    if (this.#isLeasable(address)) this.#released.push(address)
  }

  #isFree(address: IPv4Address): boolean {
    return (
      this.#isLeasable(address) && !this.#macs.has(address) && this.#resting.ownerOf(address) === undefined
    )
  }

  #isLeasable(address: IPv4Address): boolean {
    return this.#inRange(address) && !this.#excluded.has(address)
  }

  #inRange(address: IPv4Address): boolean {
    return address >= this.#range.start && address <= this.#range.end
  }
}

function ascending(entries: Iterable<[IPv4Address, MacAddress]>): [IPv4Address, MacAddress][] {
  return [...entries].sort(([a], [b]) => a - b)
}
