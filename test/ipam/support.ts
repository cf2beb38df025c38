import { type IPv4Address, parseIPv4Address, toIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, macAddressFromBytes } from '../../src/api/values/mac-address.ts'
import type { Allocator } from '../../src/ipam/allocator.ts'
import { createAllocator } from '../../src/ipam/range-allocator.ts'

export const ip = parseIPv4Address

export function mac(number: number): MacAddress {
  return macAddressFromBytes(Uint8Array.of(2, 0, 0, number >>> 16, (number >>> 8) & 255, number & 255))
}

export function pool(start: string, end: string, excluded: string[] = []): Allocator {
  return createAllocator({ range: { start: ip(start), end: ip(end) }, excluded: excluded.map(ip) })
}

export function offset(base: IPv4Address, by: number): IPv4Address {
  return toIPv4Address(base + by)
}
