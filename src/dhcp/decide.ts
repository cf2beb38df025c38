import { broadcastAddress, cidrContains } from '../api/values/cidr.ts'
import {
  type IPv4Address,
  LIMITED_BROADCAST_ADDRESS,
  UNSPECIFIED_ADDRESS,
} from '../api/values/ipv4-address.ts'
import type { PreparedNetwork } from './network.ts'
import { getOption } from './options.ts'
import { type DhcpPacket, isEthernet } from './packet.ts'
import { ack, maxReplySize, type NakReason, nak, offer } from './reply.ts'

/**
 * What the pool says about the MAC address that asks: the one address that is assigned to it, `revoked` when
 * it had one here and has it no more, undefined when it was never ours.
 */
export type Binding = IPv4Address | 'revoked' | undefined

/** How the request came. */
export interface Arrival {
  readonly destinationAddress: IPv4Address
}

/** RFC 2131 §4.4, figure 5: the state that a request shows its client to be in. */
export type ClientState = 'init' | 'selecting' | 'init-reboot' | 'renewing' | 'rebinding'

export type SilentReason =
  | 'not-a-request'
  | 'unsupported-hardware-type'
  | 'other-subnet'
  | 'no-message-type'
  | 'unsupported-message-type'
  | 'invalid-request'
  | 'other-server'
  | 'unknown-client'

export interface Reply {
  readonly type: 'reply'
  readonly messageType: 'OFFER' | 'ACK' | 'NAK'
  readonly clientState: ClientState
  readonly packet: DhcpPacket
  /** For `encodePacket`. */
  readonly maxMessageSize: number
  /** Absent in a NAK. */
  readonly address?: IPv4Address
  /** Present in a NAK. */
  readonly reason?: NakReason
}

export type ReplyDecision = Reply | { readonly type: 'silent'; readonly reason: SilentReason }

/**
 * What a server with static bindings does with a message: RFC 2131 §4.3.
 *
 * A pool assigns addresses ahead of the clients' asking, so a MAC without a binding is no client of ours. It
 * may be another server's on the same VLAN, and is left in peace (§4.3.2: "MUST remain silent", so that
 * servers that do not know of each other can live on one wire). A MAC with a binding is ours alone: it is
 * corrected with a NAK whenever it believes in another address.
 */
export function decideReply(
  request: DhcpPacket,
  binding: Binding,
  network: PreparedNetwork,
  arrival: Arrival,
): ReplyDecision {
  if (request.op !== 'BOOTREQUEST') return silent('not-a-request')
  if (!isEthernet(request)) return silent('unsupported-hardware-type')
  // §4.3.1: the relay's address tells the client's network.
  if (isRelayed(request) && !cidrContains(network.subnet, request.giaddr)) return silent('other-subnet')
  switch (getOption(request.options, 'messageType')) {
    case undefined:
      return silent('no-message-type')
    case 'DISCOVER':
      return answerDiscover(request, binding, network)
    case 'REQUEST':
      return answerRequest(request, binding, network, arrival)
    default:
      return silent('unsupported-message-type')
  }
}

/** §4.3.1: the address asked for (option 50) is a wish; there is but one address to give. */
function answerDiscover(request: DhcpPacket, binding: Binding, network: PreparedNetwork): ReplyDecision {
  if (binding === undefined || binding === 'revoked') return silent('unknown-client')
  return {
    type: 'reply',
    messageType: 'OFFER',
    clientState: 'init',
    address: binding,
    packet: offer(request, binding, network),
    maxMessageSize: maxReplySize(request),
  }
}

/** §4.3.2 and table 4: which of server identifier, requested address and ciaddr are there tells the state. */
function answerRequest(
  request: DhcpPacket,
  binding: Binding,
  network: PreparedNetwork,
  arrival: Arrival,
): ReplyDecision {
  const server = getOption(request.options, 'serverIdentifier')
  const requested = getOption(request.options, 'requestedAddress')
  const hasAddress = request.ciaddr !== UNSPECIFIED_ADDRESS

  if (server !== undefined) {
    if (server !== network.serverIdentifier) return silent('other-server')
    if (requested === undefined || hasAddress) return silent('invalid-request')
    // The client chose us by name: nobody else will answer it, so a NAK even without a binding (§3.1.4).
    return confirm(request, 'selecting', requested, binding, network)
  }
  if (hasAddress) {
    const clientState = isBroadcast(arrival, request, network) ? 'rebinding' : 'renewing'
    if (clientState === 'renewing' && arrival.destinationAddress !== network.serverIdentifier) {
      return silent('other-server')
    }
    if (binding === undefined) return silent('unknown-client')
    return confirm(request, clientState, request.ciaddr, binding, network)
  }
  if (requested === undefined) return silent('invalid-request')
  // §4.3.2 would refuse an address of another subnet whoever asks. But VLANs are shared: a stranger may be
  // another server's client, of another subnet, and is left in peace. A VM whose NIC moved here is no stranger.
  if (binding === undefined) return silent('unknown-client')
  if (!cidrContains(network.subnet, requested))
    return refuse(request, 'init-reboot', 'wrong-network', network)
  return confirm(request, 'init-reboot', requested, binding, network)
}

function confirm(
  request: DhcpPacket,
  clientState: ClientState,
  claimed: IPv4Address,
  binding: Binding,
  network: PreparedNetwork,
): Reply {
  if (binding === undefined || binding === 'revoked') {
    return refuse(request, clientState, 'no-address', network)
  }
  if (claimed !== binding) return refuse(request, clientState, 'other-address', network)
  return {
    type: 'reply',
    messageType: 'ACK',
    clientState,
    address: binding,
    packet: ack(request, binding, network),
    maxMessageSize: maxReplySize(request),
  }
}

function refuse(
  request: DhcpPacket,
  clientState: ClientState,
  reason: NakReason,
  network: PreparedNetwork,
): Reply {
  return {
    type: 'reply',
    messageType: 'NAK',
    clientState,
    reason,
    packet: nak(request, reason, network),
    maxMessageSize: maxReplySize(request),
  }
}

/** §4.3.2: a renewing client unicasts to its server, so that no relay takes part; a rebinding one broadcasts. */
function isBroadcast(arrival: Arrival, request: DhcpPacket, network: PreparedNetwork): boolean {
  const { destinationAddress } = arrival
  return (
    isRelayed(request) ||
    destinationAddress === LIMITED_BROADCAST_ADDRESS ||
    destinationAddress === broadcastAddress(network.subnet)
  )
}

function isRelayed(request: DhcpPacket): boolean {
  return request.giaddr !== UNSPECIFIED_ADDRESS
}

function silent(reason: SilentReason): ReplyDecision {
  return { type: 'silent', reason }
}
