import type { IPPool, IPPoolIPv4Status } from '../../src/api/ippool.ts'
import { type PoolConfiguration, reservedAddresses } from '../../src/api/pool-configuration.ts'
import { type IPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../src/api/values/mac-address.ts'
import {
  type Instant,
  later,
  parseInstant,
  seconds,
  toInstant,
  wholeSecond,
} from '../../src/api/values/time.ts'
import { createAllocator } from '../../src/ipam/range-allocator.ts'
import { readable } from './readable.ts'
import type { Book, PoolState, Rest } from './state.ts'

type RestingStatus = NonNullable<IPPoolIPv4Status['resting']>

/** What a pool's actor knows of its leases that the status may not say. */
export type Remembered = Pick<PoolState, 'longerLeasesEnd' | 'forgotten'>

/** RFC 2132 §9.2: 32 bits. */
export const LONGEST_LEASE_SECONDS = 0xffffffff

/**
 * The allocator as the IPPool's status has it. What people wrote into the status by hand and makes no sense is left
 * out, so that the next write puts the status right: a MAC with two addresses keeps the lower one, and the other rests.
 */
export function openBook(
  pool: IPPool,
  configuration: PoolConfiguration,
  now: Instant,
  { longerLeasesEnd = now, forgotten = [] }: Partial<Remembered> = {},
): Book {
  const allocator = createAllocator({
    range: configuration.range,
    excluded: [...configuration.excluded, ...reservedAddresses(configuration)],
  })
  const book: Book = { configuration, allocator, restingUntil: new Map(), longerLeasesEnd }

  const surplus: [IPv4Address, MacAddress][] = []
  for (const [address, mac] of leasesOf(pool)) {
    if (allocator.addressOf(mac) === undefined) allocator.adopt(address, mac)
    else surplus.push([address, mac])
  }
  for (const [address, mac] of surplus) rest(book, { address, mac, until: restEnd(book, now) }, now)
  for (const entry of restsOf(pool)) rest(book, entry, now)
  for (const entry of forgotten) rest(book, entry, now)
  return book
}

/** The leases in an IPPool's status, lowest address first: without marks and without what is not an address or a MAC. */
export function leasesOf(pool: IPPool): [IPv4Address, MacAddress][] {
  return Object.entries(pool.status?.ipv4?.allocated ?? {})
    .flatMap(([addressText, macText]): [IPv4Address, MacAddress][] => {
      const lease = readable((): [IPv4Address, MacAddress] => [
        parseIPv4Address(addressText),
        parseMacAddress(macText),
      ])
      return lease === undefined ? [] : [lease]
    })
    .sort(([a], [b]) => a - b)
}

/** The rests in an IPPool's status, without what is not an address, a MAC or a time. */
export function restsOf(pool: IPPool): Rest[] {
  return parseRests(pool.status?.ipv4?.resting ?? {})
}

/** Rests as `status.ipv4.resting` keeps them. */
export function parseRests(resting: RestingStatus): Rest[] {
  return Object.entries(resting).flatMap(([text, { macAddress, until }]) => {
    const entry = readable(() => ({
      address: parseIPv4Address(text),
      mac: parseMacAddress(macAddress),
      until: parseInstant(until),
    }))
    return entry === undefined ? [] : [entry]
  })
}

/** Whether anybody holds an address, as far as the status says; stops at the first. */
export function hasLeases(pool: IPPool): boolean {
  const { allocated = {} } = pool.status?.ipv4 ?? {}
  for (const address in allocated) {
    if (readable(() => parseMacAddress(allocated[address] ?? '')) !== undefined) return true
  }
  return false
}

/** Law 1: a lease acknowledged just before it was given back may be used for one lease time more. */
export function restEnd(
  { configuration, longerLeasesEnd }: Pick<Book, 'configuration' | 'longerLeasesEnd'>,
  now: Instant,
): Instant {
  const end = Math.max(later(now, seconds(configuration.leaseSeconds)), longerLeasesEnd)
  return wholeSecond(toInstant(end))
}

/**
 * A write takes its time, and what it takes away is acknowledged until it is made: rests of what it freed count from
 * when it is known to be done.
 * @returns those that must last longer than the status says, and those of `known` that still count
 */
export function restFromNow(
  book: Book,
  freed: Iterable<IPv4Address>,
  known: PoolState['longerRests'],
  now: Instant,
): PoolState['longerRests'] {
  const longer = new Map([...known].filter(([, until]) => until > now))
  const least = later(now, seconds(book.configuration.leaseSeconds))
  for (const address of freed) {
    const until = book.restingUntil.get(address)
    if (until !== undefined && until < least) longer.set(address, restEnd(book, now))
  }
  for (const [address, until] of longer) {
    if ((book.restingUntil.get(address) ?? until) < until) book.restingUntil.set(address, until)
  }
  return longer
}

/** @returns false when that is over, or the address is held, or rests already */
export function rest(book: Book, { address, mac, until }: Rest, now: Instant): boolean {
  if (until <= now) return false
  if (book.allocator.holderOf(address) !== undefined || book.restingUntil.has(address)) return false
  book.allocator.rest(address, mac)
  book.restingUntil.set(address, until)
  return true
}
