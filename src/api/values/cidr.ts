import { formatIPv4Address, type IPv4Address, parseIPv4Address, toIPv4Address } from './ipv4-address.ts'

/** A subnet: `network` has its host bits cleared. */
export interface Cidr {
  readonly network: IPv4Address
  readonly prefixLength: number
}

export class InvalidCidrError extends Error {
  override readonly name = 'InvalidCidrError'
  constructor(
    readonly text: string,
    reason: string,
  ) {
    super(`"${text}" is not an IPv4 subnet such as 192.168.48.0/24: ${reason}`)
  }
}

/**
 * Accepts an address inside the subnet too ("192.168.48.77/24"), as the old add-on did.
 * @throws InvalidCidrError
 */
export function parseCidr(text: string): Cidr {
  const [addressText = '', prefixText, ...rest] = text.split('/')
  if (prefixText === undefined || rest.length > 0 || !/^\d{1,2}$/.test(prefixText)) {
    throw new InvalidCidrError(text, 'it must be an address, a slash and a prefix length')
  }
  const prefixLength = Number(prefixText)
  if (prefixLength > 32) throw new InvalidCidrError(text, 'the prefix length must be 0 to 32')
  let address: IPv4Address
  try {
    address = parseIPv4Address(addressText)
  } catch (cause) {
    throw new InvalidCidrError(text, (cause as Error).message)
  }
  return { network: toIPv4Address(address & netmask(prefixLength)), prefixLength }
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIPv4Address(cidr.network)}/${cidr.prefixLength}`
}

/** The subnet mask of a prefix length: 24 gives 255.255.255.0. */
export function netmask(prefixLength: number): IPv4Address {
  return toIPv4Address(prefixLength === 0 ? 0 : 0xffffffff << (32 - prefixLength))
}

export function broadcastAddress(cidr: Cidr): IPv4Address {
  return toIPv4Address(cidr.network | ~netmask(cidr.prefixLength))
}

export function cidrContains(cidr: Cidr, address: IPv4Address): boolean {
  return toIPv4Address(address & netmask(cidr.prefixLength)) === cidr.network
}
