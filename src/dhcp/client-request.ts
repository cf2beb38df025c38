import { type IPv4Address, UNSPECIFIED_ADDRESS } from '../api/values/ipv4-address.ts'
import { type MacAddress, macAddressToBytes } from '../api/values/mac-address.ts'
import { encodeOptions, type OptionValues } from './options.ts'
import type { DhcpPacket } from './packet.ts'

export interface ClientRequestFields {
  readonly mac: MacAddress
  readonly xid: number
  /** Seconds since the client began. */
  readonly secs?: number
  readonly flags?: number
  /** The address that the client has: only then (RFC 2131 §4.3.6, table 4). */
  readonly ciaddr?: IPv4Address
  /** In the order in which they are named. */
  readonly options: Partial<OptionValues>
}

const NOTHING = new Uint8Array()

/**
 * A client's message on Ethernet (RFC 2131 §4.4.1, table 5).
 * @throws InvalidOptionError when an option cannot carry its value
 */
export function clientRequest(fields: ClientRequestFields): DhcpPacket {
  const chaddr = new Uint8Array(16)
  chaddr.set(macAddressToBytes(fields.mac))
  return {
    op: 'BOOTREQUEST',
    htype: 1,
    hlen: 6,
    hops: 0,
    xid: fields.xid,
    secs: fields.secs ?? 0,
    flags: fields.flags ?? 0,
    ciaddr: fields.ciaddr ?? UNSPECIFIED_ADDRESS,
    yiaddr: UNSPECIFIED_ADDRESS,
    siaddr: UNSPECIFIED_ADDRESS,
    giaddr: UNSPECIFIED_ADDRESS,
    chaddr,
    sname: NOTHING,
    file: NOTHING,
    options: encodeOptions(fields.options),
  }
}
