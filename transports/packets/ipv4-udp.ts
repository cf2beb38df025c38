import { toIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { DatagramTooLargeError } from './errors.ts'
import { foldChecksum, sumWords } from './internet-checksum.ts'
import type { OutgoingDatagram, ReceivedDatagram } from './packet-transport.ts'

const IPV4_HEADER = 20
const UDP_HEADER = 8
const PROTOCOL_UDP = 17
const TIME_TO_LIVE = 64
const MAX_PACKET = 0xffff
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff

/** Why bytes are no UDP datagram in an IPv4 packet. */
export type PacketDefect = 'truncated' | 'not-ipv4' | 'not-udp' | 'fragment' | 'bad-length'

/** `payload` is a view of the decoded bytes: copy it to keep it. */
export interface UdpPacket extends ReceivedDatagram {
  destinationPort: number
}

/**
 * Reads an IPv4 packet (RFC 791) with a UDP datagram (RFC 768) in it; IP options are skipped.
 * MUST NOT look at checksums: between interfaces of one host they are left for hardware to fill in.
 * Bytes after the packet or after the datagram are padding and are not part of the payload.
 */
export function decodeIPv4Udp(bytes: Uint8Array): UdpPacket | PacketDefect {
  if (bytes.length < IPV4_HEADER) return 'truncated'
  if (u8(bytes, 0) >>> 4 !== 4) return 'not-ipv4'
  const headerLength = (u8(bytes, 0) & 15) * 4
  const totalLength = u16(bytes, 2)
  if (headerLength < IPV4_HEADER || totalLength < headerLength) return 'bad-length'
  if (totalLength > bytes.length) return 'truncated'
  if (u8(bytes, 9) !== PROTOCOL_UDP) return 'not-udp'
  if ((u16(bytes, 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0) return 'fragment'
  if (totalLength < headerLength + UDP_HEADER) return 'bad-length'
  const udpLength = u16(bytes, headerLength + 4)
  if (udpLength < UDP_HEADER || headerLength + udpLength > totalLength) return 'bad-length'
  return {
    sourceAddress: toIPv4Address(u32(bytes, 12)),
    sourcePort: u16(bytes, headerLength),
    destinationAddress: toIPv4Address(u32(bytes, 16)),
    destinationPort: u16(bytes, headerLength + 2),
    payload: bytes.subarray(headerLength + UDP_HEADER, headerLength + udpLength),
  }
}

/**
 * The whole IPv4 packet, both checksums filled in: virtual links do not do it for us, and guests such as
 * FreeBSD drop datagrams with a wrong one.
 * @throws DatagramTooLargeError
 */
export function encodeIPv4Udp(datagram: OutgoingDatagram): Uint8Array {
  const udpLength = UDP_HEADER + datagram.payload.length
  const totalLength = IPV4_HEADER + udpLength
  if (totalLength > MAX_PACKET) throw new DatagramTooLargeError(datagram.payload.length)
  const bytes = new Uint8Array(totalLength)
  bytes[0] = 0x45
  put16(bytes, 2, totalLength)
  bytes[8] = TIME_TO_LIVE
  bytes[9] = PROTOCOL_UDP
  put32(bytes, 12, datagram.sourceAddress)
  put32(bytes, 16, datagram.destinationAddress)
  put16(bytes, 10, foldChecksum(sumWords(bytes, 0, IPV4_HEADER)))
  put16(bytes, 20, datagram.sourcePort)
  put16(bytes, 22, datagram.destinationPort)
  put16(bytes, 24, udpLength)
  bytes.set(datagram.payload, IPV4_HEADER + UDP_HEADER)
  put16(bytes, 26, udpChecksum(bytes, udpLength))
  return bytes
}

/** Over the pseudo header and the datagram; zero means "none" on the wire and is sent as 0xffff (RFC 768). */
function udpChecksum(packet: Uint8Array, udpLength: number): number {
  const pseudoHeader = sumWords(packet, 12, 20, PROTOCOL_UDP + udpLength)
  return foldChecksum(sumWords(packet, IPV4_HEADER, packet.length, pseudoHeader)) || 0xffff
}

const u8 = (bytes: Uint8Array, at: number) => bytes[at] ?? 0
const u16 = (bytes: Uint8Array, at: number) => (u8(bytes, at) << 8) | u8(bytes, at + 1)
const u32 = (bytes: Uint8Array, at: number) => u16(bytes, at) * 0x10000 + u16(bytes, at + 2)

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16)
  put16(bytes, at + 2, value & 0xffff)
}
