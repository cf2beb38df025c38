import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, macAddressToBytes } from '../../src/api/values/mac-address.ts'
import { between, type Instant } from '../../src/api/values/time.ts'
import { type ClientRequestFields, clientRequest } from '../../src/dhcp/client-request.ts'
import type { MessageType } from '../../src/dhcp/message-type.ts'
import type { OptionValues } from '../../src/dhcp/options.ts'
import { BROADCAST_FLAG, type DhcpPacket } from '../../src/dhcp/packet.ts'
import type { ClientHabits } from './habits.ts'

export interface Question {
  readonly messageType: MessageType
  readonly xid: number
  readonly startedAt: Instant
  readonly now: Instant
  /** For those that have an address. */
  readonly ciaddr?: IPv4Address
  /** RFC 2132 §9.1: for those that want one. */
  readonly requestedAddress?: IPv4Address | undefined
  readonly serverIdentifier?: IPv4Address
}

/** What a client with these habits sends: RFC 2131 §4.4.1, table 5, and §4.3.6, table 4. */
export function ask(mac: MacAddress, habits: ClientHabits, question: Question): DhcpPacket {
  const { messageType, requestedAddress, serverIdentifier, ciaddr } = question
  const identifier = clientIdentifier(mac, habits.clientIdentifier)
  const isRelease = messageType === 'RELEASE'
  const options: Partial<OptionValues> = {
    messageType,
    ...(requestedAddress !== undefined && { requestedAddress }),
    ...(serverIdentifier !== undefined && { serverIdentifier }),
    ...(!isRelease && { parameterRequestList: habits.asksFor }),
    ...(!isRelease && habits.maxMessageSize !== undefined && { maxMessageSize: habits.maxMessageSize }),
    ...(identifier !== undefined && { clientIdentifier: identifier }),
  }
  const fields: ClientRequestFields = {
    mac,
    xid: question.xid,
    secs: isRelease ? 0 : secondsSince(question.startedAt, question.now),
    flags: habits.broadcastFlag && !isRelease ? BROADCAST_FLAG : 0,
    options,
  }
  return clientRequest(ciaddr === undefined ? fields : { ...fields, ciaddr })
}

/** The field has 16 bits. */
function secondsSince(start: Instant, now: Instant): number {
  return Math.min(Math.max(Math.floor(between(start, now) / 1000), 0), 0xffff)
}

/** systemd's enterprise number, before eight bytes of its own making. */
const SYSTEMD = [0, 0, 0xab, 0x11, 0, 0]

function clientIdentifier(mac: MacAddress, kind: ClientHabits['clientIdentifier']): Uint8Array | undefined {
  if (kind === 'none') return undefined
  const bytes = macAddressToBytes(mac)
  if (kind === 'ethernet') return Uint8Array.of(1, ...bytes)
  // RFC 4361 §6.1: 255, the interface's IAID, and a DUID (RFC 8415 §11).
  const duid = kind === 'duid-ll' ? [0, 3, 0, 1, ...bytes] : [0, 2, ...SYSTEMD, ...bytes]
  return Uint8Array.of(255, ...bytes.subarray(2), ...duid)
}
