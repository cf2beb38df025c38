import {
  type IPv4Address,
  LIMITED_BROADCAST_ADDRESS,
  UNSPECIFIED_ADDRESS,
} from '../api/values/ipv4-address.ts'
import { type MacAddress, macAddressFromBytes } from '../api/values/mac-address.ts'
import { BROADCAST_FLAG, CLIENT_PORT, type DhcpPacket, SERVER_PORT } from './packet.ts'

/** Where a reply goes. `address` is right for every sender; for most first replies it is the broadcast address. */
export interface ReplyDestination {
  readonly address: IPv4Address
  readonly port: number
  /**
   * The client takes unicast already, though nobody can ask it for its MAC address by ARP yet: a sender that
   * writes the Ethernet header itself (or the neighbour table) may spare the others the broadcast.
   */
  readonly hardwareUnicast?: { readonly mac: MacAddress; readonly address: IPv4Address }
}

/**
 * RFC 2131 §4.1. Looks at the reply's ciaddr, not the request's: only an ACK has one, and it is the client's own
 * address then. A forged ciaddr or giaddr cannot turn the server on an outsider.
 */
export function replyDestination(request: DhcpPacket, reply: DhcpPacket): ReplyDestination {
  if (request.giaddr !== UNSPECIFIED_ADDRESS) return { address: request.giaddr, port: SERVER_PORT }
  // A NAK has no ciaddr and no yiaddr: broadcast, as §4.1 wants it.
  if (reply.ciaddr !== UNSPECIFIED_ADDRESS) return { address: reply.ciaddr, port: CLIENT_PORT }
  const broadcast = { address: LIMITED_BROADCAST_ADDRESS, port: CLIENT_PORT }
  if (reply.yiaddr === UNSPECIFIED_ADDRESS || (request.flags & BROADCAST_FLAG) !== 0) return broadcast
  return {
    ...broadcast,
    hardwareUnicast: { mac: macAddressFromBytes(request.chaddr), address: reply.yiaddr },
  }
}
