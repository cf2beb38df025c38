import ipaddr from 'ipaddr.js'

declare const brand: unique symbol

/** An IPv4 address as an unsigned 32-bit number in host order: 0x0a000001 is 10.0.0.1. */
export type IPv4Address = number & { readonly [brand]: 'IPv4Address' }

export class InvalidIPv4AddressError extends Error {
  override readonly name = 'InvalidIPv4AddressError'
  constructor(readonly text: string) {
    super(`"${text}" is not an IPv4 address in dotted-decimal form such as 192.168.48.81`)
  }
}

/** @throws InvalidIPv4AddressError for anything but four decimal parts without leading zeros */
export function parseIPv4Address(text: string): IPv4Address {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text)) throw new InvalidIPv4AddressError(text)
  return fromOctets(ipaddr.IPv4.parse(text).octets)
}

/** The number as an address: wraps to 32 bits, so that address arithmetic stays in range. */
export function toIPv4Address(value: number): IPv4Address {
  return (value >>> 0) as IPv4Address
}

export function formatIPv4Address(address: IPv4Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

export const UNSPECIFIED_ADDRESS = toIPv4Address(0)
export const LIMITED_BROADCAST_ADDRESS = toIPv4Address(0xffffffff)

function fromOctets(octets: readonly number[]): IPv4Address {
  return toIPv4Address(octets.reduce((value, octet) => value * 256 + octet, 0))
}
