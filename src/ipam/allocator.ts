import type { IPv4Address } from '../api/values/ipv4-address.ts'
import type { MacAddress } from '../api/values/mac-address.ts'

/**
 * Addresses of one pool: which are free, which are held and by whom.
 * Knows nothing of leases, time or storage.
 *
 * Cost: every method is O(1) amortised, `held` and `resting` apart, which sort. Memory grows with the addresses
 * held, resting, excluded or once used, never with the size of the range. No time is kept: a restart forgets
 * which free addresses were used before.
 *
 * An address is in exactly one state: free, held (by one MAC), resting (given back, kept for the MAC that had it),
 * or excluded (by the pool's `exclude`, or because it is the server's or the router's own).
 */
export interface Allocator {
  /** Addresses that can be leased: the size of the range less the excluded ones in it. `used + available` is always this. */
  readonly capacity: number
  /** Held addresses inside the range and not excluded. */
  readonly used: number
  /** Free and resting addresses. */
  readonly available: number

  /**
   * Take a free address for `mac`.
   * MUST return the address that `mac` holds already, if any.
   * MUST NOT return an excluded address, nor one that rests for another MAC.
   * SHOULD return the address that rests for `mac` (`hint` if it is one of several, else the last given back); else `hint` when it is free; else the lowest address that was
   * never used; else the one free for longest.
   * @throws PoolExhaustedError with capacity and the counts held, excluded, resting
   */
  allocate(mac: MacAddress, hint?: IPv4Address): IPv4Address

  /**
   * Take exactly `address` for `mac`: a pinned address, or one found in the pool's status after a restart.
   * Idempotent when `mac` holds it already.
   * @throws AddressOutOfRangeError, AddressExcludedError
   * @throws AddressTakenError when another MAC holds it, or it rests for another MAC
   * @throws MacHoldsAnotherAddressError when `mac` holds another address
   */
  claim(address: IPv4Address, mac: MacAddress): void

  /**
   * Like `claim`, for what the truth already says is bound: also outside the range or excluded, because a pool edit
   * must not take a lease away. Such an address counts in neither `used` nor `available`.
   * @throws AddressTakenError, MacHoldsAnotherAddressError
   */
  adopt(address: IPv4Address, mac: MacAddress): void

  /**
   * Give back what `mac` holds. The address becomes free at once and is the last to be used again; or, with `rest`, it
   * is kept for `mac` until `wake`.
   * @returns the address, or undefined when `mac` holds none
   */
  release(mac: MacAddress, options?: { rest?: boolean }): IPv4Address | undefined

  /**
   * Mark a free address as resting for `mac`: what a restart finds in the pool's status; also outside the range or
   * excluded, and then it counts nowhere. @throws AddressTakenError
   */
  rest(address: IPv4Address, mac: MacAddress): void

  /** The rest is over: the address becomes free. Nothing happens when it does not rest. */
  wake(address: IPv4Address): void

  addressOf(mac: MacAddress): IPv4Address | undefined
  holderOf(address: IPv4Address): MacAddress | undefined
  isExcluded(address: IPv4Address): boolean
  /** Held addresses in ascending order. */
  held(): Iterable<[IPv4Address, MacAddress]>
  /** Resting addresses in ascending order, with the MAC they are kept for. */
  resting(): Iterable<[IPv4Address, MacAddress]>
}

/** Both ends belong to the range. */
export interface AddressRange {
  readonly start: IPv4Address
  readonly end: IPv4Address
}
