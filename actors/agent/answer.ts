import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { Instant } from '../../src/api/values/time.ts'
import { decideReply } from '../../src/dhcp/decide.ts'
import { decodePacket } from '../../src/dhcp/decode-packet.ts'
import { replyDestination } from '../../src/dhcp/destination.ts'
import { encodePacket } from '../../src/dhcp/encode-packet.ts'
import { MalformedPacketError } from '../../src/dhcp/errors.ts'
import { clientMacAddress, type DhcpPacket, SERVER_PORT } from '../../src/dhcp/packet.ts'
import type { ReceivedDatagram } from '../../transports/packets/packet-transport.ts'
import { bindingOf, isStillLeasedToAnother, noteAcknowledged } from './lease-table.ts'
import type { AgentEffect } from './messages.ts'
import type { LeaseTable } from './state.ts'

const EVENT_TYPES = { OFFER: 'offer', ACK: 'ack', NAK: 'nak' } as const

/** The data path: what one datagram is answered with. It needs the table and nothing else (law 6). */
export function answer(table: LeaseTable, datagram: ReceivedDatagram, now: Instant): AgentEffect[] {
  let request: DhcpPacket
  try {
    request = decodePacket(datagram.payload)
  } catch (error) {
    if (!(error instanceof MalformedPacketError)) throw error
    return [{ type: 'publish', event: { type: 'malformed', reason: error.reason } }]
  }
  const mac = clientMacAddress(request)
  const about = {
    ...(mac === undefined ? {} : { macAddress: mac }),
    transactionId: request.xid.toString(16).padStart(8, '0'),
  }
  const binding = mac === undefined ? undefined : bindingOf(table, mac)
  if (mac !== undefined && typeof binding === 'number' && isStillLeasedToAnother(table, binding, mac, now)) {
    return [{ type: 'publish', event: { type: 'ignored', ...about, reason: 'address-resting' } }]
  }
  const decision = decideReply(request, binding, table.network, datagram)
  if (decision.type === 'silent') {
    return [{ type: 'publish', event: { type: 'ignored', ...about, reason: decision.reason } }]
  }
  if (decision.messageType === 'ACK' && decision.address !== undefined) {
    noteAcknowledged(table, decision.address, now)
  }
  // This network has no way to unicast to a client without an address (no AF_PACKET): `address` is the broadcast then.
  const destination = replyDestination(request, decision.packet)
  return [
    {
      type: 'send',
      datagram: {
        sourceAddress: table.network.serverIdentifier,
        sourcePort: SERVER_PORT,
        destinationAddress: destination.address,
        destinationPort: destination.port,
        payload: encodePacket(decision.packet, decision.maxMessageSize),
      },
    },
    {
      type: 'publish',
      event: {
        type: EVENT_TYPES[decision.messageType],
        ...about,
        clientState: decision.clientState,
        ...(decision.address === undefined ? {} : { address: formatIPv4Address(decision.address) }),
        ...(decision.reason === undefined ? {} : { reason: decision.reason }),
      },
    },
  ]
}
