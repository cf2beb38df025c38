import { type IPv4Address, UNSPECIFIED_ADDRESS } from '../api/values/ipv4-address.ts'
import { MIN_MESSAGE_SIZE } from './encode-packet.ts'
import type { PreparedNetwork } from './network.ts'
import { encodeOption, getOption, OPTIONS, type RawOptions } from './options.ts'
import { BROADCAST_FLAG, type DhcpPacket } from './packet.ts'

/** Why a client is told to give up its address; the words go into option 56. */
export const NAK_MESSAGES = {
  'wrong-network': 'the address is not in the subnet of this network',
  'other-address': 'another address is assigned to this client',
  'no-address': 'no address is assigned to this client any more',
} as const
export type NakReason = keyof typeof NAK_MESSAGES

const OFFER = encodeOption('messageType', 'OFFER')
const ACK = encodeOption('messageType', 'ACK')
const NAK = encodeOption('messageType', 'NAK')
const NAK_MESSAGE_BYTES: Readonly<Record<NakReason, Uint8Array>> = {
  'wrong-network': encodeOption('message', NAK_MESSAGES['wrong-network']),
  'other-address': encodeOption('message', NAK_MESSAGES['other-address']),
  'no-address': encodeOption('message', NAK_MESSAGES['no-address']),
}

/** The client identifier (RFC 6842 §3) and the relay's option, which comes last (RFC 3046 §2.2). */
const ECHOED = [OPTIONS.clientIdentifier.code, OPTIONS.relayAgentInformation.code]

const NOTHING = new Uint8Array()

export function offer(request: DhcpPacket, address: IPv4Address, network: PreparedNetwork): DhcpPacket {
  return reply(request, { yiaddr: address, options: leaseOptions(request, OFFER, network) })
}

export function ack(request: DhcpPacket, address: IPv4Address, network: PreparedNetwork): DhcpPacket {
  return reply(request, {
    // RFC 2131 §4.3.1, table 3: an ACK has the request's ciaddr, an OFFER and a NAK have 0.
    ciaddr: request.ciaddr,
    yiaddr: address,
    options: leaseOptions(request, ACK, network),
  })
}

export function nak(request: DhcpPacket, reason: NakReason, network: PreparedNetwork): DhcpPacket {
  const options = new Map([[OPTIONS.messageType.code, NAK]])
  putAll(options, network.identity)
  options.set(OPTIONS.message.code, NAK_MESSAGE_BYTES[reason])
  echo(request, options)
  return reply(request, {
    // RFC 2131 §4.3.2: the relay must broadcast it, for the client may not have a right address.
    flags: request.giaddr === UNSPECIFIED_ADDRESS ? request.flags : request.flags | BROADCAST_FLAG,
    options,
  })
}

/**
 * How long the reply may be, IP and UDP headers included: what the client says (RFC 2132 §9.10), else the 576
 * bytes that every client takes; never more than 1280, which passes every link, also inside overlay tunnels.
 */
export function maxReplySize(request: DhcpPacket): number {
  const asked = getOption(request.options, 'maxMessageSize') ?? MIN_MESSAGE_SIZE
  return Math.min(Math.max(asked, MIN_MESSAGE_SIZE), 1280)
}

type ReplyFields = Pick<DhcpPacket, 'options'> & Partial<Pick<DhcpPacket, 'ciaddr' | 'yiaddr' | 'flags'>>

/** RFC 2131 §4.3.1, table 3. */
function reply(request: DhcpPacket, fields: ReplyFields): DhcpPacket {
  return {
    op: 'BOOTREPLY',
    htype: request.htype,
    hlen: request.hlen,
    hops: 0,
    xid: request.xid,
    secs: 0,
    flags: fields.flags ?? request.flags,
    ciaddr: fields.ciaddr ?? UNSPECIFIED_ADDRESS,
    yiaddr: fields.yiaddr ?? UNSPECIFIED_ADDRESS,
    siaddr: UNSPECIFIED_ADDRESS,
    giaddr: request.giaddr,
    chaddr: request.chaddr,
    sname: NOTHING,
    file: NOTHING,
    options: fields.options,
  }
}

/**
 * Message type, server identifier, lease time and subnet mask, then what the client asks for in its order
 * (RFC 2132 §9.8), then T1 and T2, then the echoed options.
 *
 * What was not asked for is left out (RFC 2131 §4.3.1): a client that names its options reads no others, and
 * each byte counts towards the 576 that it must take. A client that names none may want any: it gets all.
 * Lease time, mask, T1 and T2 always go: no client can do without the first two, and old ones that forget to
 * ask for the mask would guess one by address class.
 */
function leaseOptions(request: DhcpPacket, type: Uint8Array, network: PreparedNetwork): RawOptions {
  const options = new Map([[OPTIONS.messageType.code, type]])
  putAll(options, network.identity)
  putAll(options, network.lease)
  const wanted = getOption(request.options, 'parameterRequestList')
  for (const code of wanted ?? network.onRequest.keys()) {
    const value = network.onRequest.get(code)
    if (value) options.set(code, value)
  }
  putAll(options, network.timers)
  echo(request, options)
  return options
}

/** A key that is there already keeps its place. */
function putAll(options: Map<number, Uint8Array>, more: RawOptions): void {
  for (const [code, value] of more) options.set(code, value)
}

function echo(request: DhcpPacket, options: Map<number, Uint8Array>): void {
  for (const code of ECHOED) {
    const value = request.options.get(code)
    if (value) options.set(code, value)
  }
}
