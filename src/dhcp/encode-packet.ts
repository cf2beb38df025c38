import { ipv4, uint16, uint32 } from './codec.ts'
import { type EncodedOption, layOutOptions, MAX_PART_LENGTH } from './option-layout.ts'
import {
  type DhcpPacket,
  END,
  FIELDS,
  FILE_HOLDS_OPTIONS,
  MAGIC_COOKIE,
  OVERLOAD,
  SNAME_HOLDS_OPTIONS,
} from './packet.ts'

/** RFC 951 §3 gives BOOTP 300 bytes; some relays and clients throw shorter ones away. */
const MIN_LENGTH = 300
/** The longest payload that UDP over IPv4 has. */
const MAX_LENGTH = 65_507
/** IPv4 without options, and UDP. */
const IP_AND_UDP_HEADERS = 28

/** RFC 2131 §2: every client takes an IP datagram of 576 bytes. */
export const MIN_MESSAGE_SIZE = 576

/**
 * The message as a UDP payload, options in the order of the map.
 *
 * When it would be longer than `maxMessageSize` (which counts the IP and UDP headers, as option 57 does),
 * options move to `file` and `sname` where those are empty (RFC 2131 §4.1), then options are left out:
 * see `layOutOptions`.
 */
export function encodePacket(packet: DhcpPacket, maxMessageSize?: number): Uint8Array {
  const maxLength =
    maxMessageSize === undefined
      ? MAX_LENGTH
      : Math.max(maxMessageSize, MIN_MESSAGE_SIZE) - IP_AND_UDP_HEADERS
  const layout = layOutOptions(packet.options, {
    options: maxLength - FIELDS.options,
    file: packet.file.length === 0 ? FIELDS.file.length : 0,
    sname: packet.sname.length === 0 ? FIELDS.sname.length : 0,
  })
  const overload =
    (layout.file.length > 0 ? FILE_HOLDS_OPTIONS : 0) | (layout.sname.length > 0 ? SNAME_HOLDS_OPTIONS : 0)
  const bytes = new Uint8Array(Math.max(MIN_LENGTH, FIELDS.options + layout.length))
  writeHeader(packet, bytes)
  let offset = writeOptions(layout.options, bytes, FIELDS.options)
  if (overload !== 0) {
    bytes.set([OVERLOAD, 1, overload], offset)
    offset += 3
  }
  bytes[offset] = END
  writeField(layout.file, packet.file, bytes, FIELDS.file)
  writeField(layout.sname, packet.sname, bytes, FIELDS.sname)
  return bytes
}

function writeHeader(packet: DhcpPacket, bytes: Uint8Array): void {
  bytes[FIELDS.op] = packet.op === 'BOOTREQUEST' ? 1 : 2
  bytes[FIELDS.htype] = packet.htype
  bytes[FIELDS.hlen] = packet.hlen
  bytes[FIELDS.hops] = packet.hops
  uint32.write(packet.xid, bytes, FIELDS.xid)
  uint16.write(packet.secs, bytes, FIELDS.secs)
  uint16.write(packet.flags, bytes, FIELDS.flags)
  ipv4.write(packet.ciaddr, bytes, FIELDS.ciaddr)
  ipv4.write(packet.yiaddr, bytes, FIELDS.yiaddr)
  ipv4.write(packet.siaddr, bytes, FIELDS.siaddr)
  ipv4.write(packet.giaddr, bytes, FIELDS.giaddr)
  bytes.set(packet.chaddr.subarray(0, FIELDS.chaddr.length), FIELDS.chaddr.offset)
  uint32.write(MAGIC_COOKIE, bytes, FIELDS.magicCookie)
}

function writeField(
  options: readonly EncodedOption[],
  text: Uint8Array,
  bytes: Uint8Array,
  field: { offset: number; length: number },
): void {
  if (options.length === 0) bytes.set(text.subarray(0, field.length), field.offset)
  else bytes[writeOptions(options, bytes, field.offset)] = END
}

/** @returns the offset behind the last option */
function writeOptions(options: readonly EncodedOption[], bytes: Uint8Array, start: number): number {
  let offset = start
  for (const [code, value] of options) {
    for (let from = 0; from === 0 || from < value.length; from += MAX_PART_LENGTH) {
      const part = value.length <= MAX_PART_LENGTH ? value : value.subarray(from, from + MAX_PART_LENGTH)
      bytes[offset] = code
      bytes[offset + 1] = part.length
      bytes.set(part, offset + 2)
      offset += 2 + part.length
    }
  }
  return offset
}
