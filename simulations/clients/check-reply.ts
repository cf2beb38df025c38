import {
  formatIPv4Address,
  type IPv4Address,
  UNSPECIFIED_ADDRESS,
} from '../../src/api/values/ipv4-address.ts'
import { getOption } from '../../src/dhcp/options.ts'
import type { DhcpPacket } from '../../src/dhcp/packet.ts'

/** What an OFFER or ACK promises. */
export interface Terms {
  readonly address: IPv4Address
  readonly server: IPv4Address
  /** Infinite for a lease without end. */
  readonly leaseSeconds: number
  /** T1 and T2, when the server tells both and they are of use. */
  readonly timers: { readonly renewal: number; readonly rebinding: number } | undefined
}

export interface Expected {
  /** The address that was asked for. */
  readonly address?: IPv4Address
  /** The server that was asked; undefined when everybody was. */
  readonly server?: IPv4Address | undefined
}

/** RFC 2131 §3.3. */
const WITHOUT_END = 0xffffffff

/** @returns what an OFFER or ACK promises, or what is wrong with it (RFC 2131 §4.3.1, table 3) */
export function readTerms(packet: DhcpPacket, expected: Expected): Terms | string {
  const { options, yiaddr } = packet
  const server = getOption(options, 'serverIdentifier')
  const leaseTime = getOption(options, 'leaseTime')
  if (server === undefined) return 'no server identifier'
  if (yiaddr === UNSPECIFIED_ADDRESS) return 'no address'
  if (leaseTime === undefined) return 'no lease time'
  if (leaseTime === 0) return 'a lease time of 0 s'
  if (expected.address !== undefined && yiaddr !== expected.address) {
    return `${formatIPv4Address(yiaddr)} instead of ${formatIPv4Address(expected.address)}`
  }
  if (expected.server !== undefined && server !== expected.server) {
    return `from ${formatIPv4Address(server)} instead of ${formatIPv4Address(expected.server)}`
  }
  const flaw = flawInSubnet(packet)
  if (flaw !== undefined) return flaw
  const leaseSeconds = leaseTime === WITHOUT_END ? Number.POSITIVE_INFINITY : leaseTime
  const renewal = getOption(options, 'renewalTime')
  const rebinding = getOption(options, 'rebindingTime')
  // A lease of one second has a T1 of none: to renew without a pause is nobody's wish.
  if (renewal === undefined || rebinding === undefined || renewal === 0) {
    return { address: yiaddr, server, leaseSeconds, timers: undefined }
  }
  // RFC 2131 §4.4.5: T1 before T2, and T2 before the lease ends.
  if (renewal > rebinding || rebinding > leaseSeconds) {
    return `T1 ${renewal} s, T2 ${rebinding} s and a lease of ${leaseSeconds} s`
  }
  return { address: yiaddr, server, leaseSeconds, timers: { renewal, rebinding } }
}

function flawInSubnet({ options, yiaddr }: DhcpPacket): string | undefined {
  const mask = getOption(options, 'subnetMask')
  if (mask === undefined) return 'no subnet mask'
  const hostBits = ~mask
  const host = yiaddr & hostBits
  // RFC 3021: in a /31 both addresses are hosts'.
  if (hostBits !== 0 && hostBits !== 1 && (host === 0 || host === hostBits)) {
    return `${formatIPv4Address(yiaddr)} is no host's address under the mask ${formatIPv4Address(mask)}`
  }
  const stranger = getOption(options, 'routers')?.find((router) => ((router ^ yiaddr) & mask) !== 0)
  if (stranger === undefined) return undefined
  return `${formatIPv4Address(yiaddr)} and the router ${formatIPv4Address(stranger)} are not in one subnet`
}
