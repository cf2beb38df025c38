import { type Cidr, cidrContains, formatCidr, parseCidr } from '../../api/values/cidr.ts'
import { type IPv4Address, LIMITED_BROADCAST_ADDRESS } from '../../api/values/ipv4-address.ts'

/** RFC 6890: blocks in which no host of a network can be. */
const SPECIAL: readonly (readonly [Cidr, string])[] = [
  [parseCidr('0.0.0.0/8'), 'means "this network" (RFC 791)'],
  [parseCidr('127.0.0.0/8'), 'is a loopback address (RFC 1122)'],
  [parseCidr('224.0.0.0/4'), 'is a multicast address (RFC 5771)'],
]

/** Why no client could reach a server at this address; undefined when one could. */
export function whyNoHost(address: IPv4Address): string | undefined {
  if (address === LIMITED_BROADCAST_ADDRESS) return 'is the broadcast address'
  return SPECIAL.find(([block]) => cidrContains(block, address))?.[1]
}

/** @returns undefined for a subnet that networks may have */
export function whyNoSubnet(subnet: Cidr): string | undefined {
  const found = SPECIAL.find(([block]) => subnetsOverlap(block, subnet))
  if (found === undefined) return undefined
  const [block, why] = found
  return block.prefixLength <= subnet.prefixLength ? why : `contains ${formatCidr(block)}, which ${why}`
}

export function subnetsOverlap(a: Cidr, b: Cidr): boolean {
  return a.prefixLength <= b.prefixLength ? cidrContains(a, b.network) : cidrContains(b, a.network)
}
