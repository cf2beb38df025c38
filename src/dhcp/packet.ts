import type { IPv4Address } from '../api/values/ipv4-address.ts'
import { type MacAddress, macAddressFromBytes } from '../api/values/mac-address.ts'
import type { RawOptions } from './options.ts'

/** A DHCP message: the BOOTP header of RFC 2131 §2, and options. */
export interface DhcpPacket {
  readonly op: 'BOOTREQUEST' | 'BOOTREPLY'
  /** Hardware type, from the ARP registry: 1 is Ethernet. */
  readonly htype: number
  /** How many bytes of `chaddr` count. */
  readonly hlen: number
  /** How many relays passed it on. */
  readonly hops: number
  /** The client's mark by which it knows its answers. */
  readonly xid: number
  /** Seconds since the client began. */
  readonly secs: number
  readonly flags: number
  /** The address that the client has and answers for. */
  readonly ciaddr: IPv4Address
  /** The address that the client gets. */
  readonly yiaddr: IPv4Address
  /** The server to boot from. */
  readonly siaddr: IPv4Address
  /** The relay that the message came through, and goes back through. */
  readonly giaddr: IPv4Address
  /** All 16 bytes. */
  readonly chaddr: Uint8Array
  /** Up to 64 bytes without trailing NULs; empty when the field held options. */
  readonly sname: Uint8Array
  /** Up to 128 bytes without trailing NULs; empty when the field held options. */
  readonly file: Uint8Array
  /** Never holds pad (0), overload (52) and end (255): they are framing. */
  readonly options: RawOptions
}

export const SERVER_PORT = 67
export const CLIENT_PORT = 68

/** RFC 2131 §2, figure 2: the client cannot take unicast before it has an address. */
export const BROADCAST_FLAG = 0x8000

const ETHERNET = 1

/** The client's MAC address; undefined when it is not on Ethernet. */
export function clientMacAddress(packet: DhcpPacket): MacAddress | undefined {
  return isEthernet(packet) ? macAddressFromBytes(packet.chaddr) : undefined
}

export function isEthernet(packet: DhcpPacket): boolean {
  return packet.htype === ETHERNET && packet.hlen === 6
}

/** Byte offsets and lengths in the BOOTP header (RFC 2131 §2, figure 1). */
export const FIELDS = {
  op: 0,
  htype: 1,
  hlen: 2,
  hops: 3,
  xid: 4,
  secs: 8,
  flags: 10,
  ciaddr: 12,
  yiaddr: 16,
  siaddr: 20,
  giaddr: 24,
  chaddr: { offset: 28, length: 16 },
  sname: { offset: 44, length: 64 },
  file: { offset: 108, length: 128 },
  magicCookie: 236,
  options: 240,
} as const

/** RFC 2131 §3: 99.130.83.99 says that options follow. */
export const MAGIC_COOKIE = 0x63825363

/** Codes that frame the options instead of being one (RFC 2132 §3.1, §3.2, §9.3). */
export const PAD = 0
export const OVERLOAD = 52
export const END = 255
/** Bits of the overload option: which field holds options. */
export const FILE_HOLDS_OPTIONS = 1
export const SNAME_HOLDS_OPTIONS = 2
