import { parseCidr } from '../../src/api/values/cidr.ts'
import {
  type IPv4Address,
  LIMITED_BROADCAST_ADDRESS,
  parseIPv4Address,
  UNSPECIFIED_ADDRESS,
} from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, macAddressToBytes, parseMacAddress } from '../../src/api/values/mac-address.ts'
import type { Arrival } from '../../src/dhcp/decide.ts'
import { type NetworkOptions, prepareNetwork } from '../../src/dhcp/network.ts'
import { encodeOptions, type OptionValues } from '../../src/dhcp/options.ts'
import type { DhcpPacket } from '../../src/dhcp/packet.ts'

export const ip = parseIPv4Address
export const mac = parseMacAddress

export const SERVER = ip('192.168.48.77')
export const CLIENT_MAC = mac('ca:70:82:e6:84:6e')
/** The address that the tests' pool has assigned to CLIENT_MAC. */
export const ASSIGNED = ip('192.168.48.87')

export const BROADCAST: Arrival = { destinationAddress: LIMITED_BROADCAST_ADDRESS }
export const UNICAST: Arrival = { destinationAddress: SERVER }

/** The documentation's pool net-48. */
export const NET_48: NetworkOptions = {
  serverIdentifier: SERVER,
  subnet: parseCidr('192.168.48.0/24'),
  router: ip('192.168.48.1'),
  dns: [ip('1.1.1.1')],
  domainSearch: [],
  ntpServers: [],
  leaseSeconds: 300,
}

export const network = (changes: Partial<NetworkOptions> = {}) => prepareNetwork({ ...NET_48, ...changes })

export interface PacketFields extends Partial<Omit<DhcpPacket, 'options' | 'chaddr'>> {
  mac?: MacAddress
  options?: Partial<OptionValues>
}

/** A client's message; everything that is not given is as from an Ethernet client that has no address. */
export function packet({ mac: client = CLIENT_MAC, options = {}, ...fields }: PacketFields = {}): DhcpPacket {
  const chaddr = new Uint8Array(16)
  chaddr.set(macAddressToBytes(client))
  return {
    op: 'BOOTREQUEST',
    htype: 1,
    hlen: 6,
    hops: 0,
    xid: 0x53b39d4d,
    secs: 0,
    flags: 0,
    ciaddr: UNSPECIFIED_ADDRESS,
    yiaddr: UNSPECIFIED_ADDRESS,
    siaddr: UNSPECIFIED_ADDRESS,
    giaddr: UNSPECIFIED_ADDRESS,
    chaddr,
    sname: new Uint8Array(),
    file: new Uint8Array(),
    ...fields,
    options: encodeOptions(options),
  }
}

export function discover({ options, ...fields }: PacketFields = {}): DhcpPacket {
  return packet({ ...fields, options: { messageType: 'DISCOVER', ...options } })
}

export function request({ options, ...fields }: PacketFields = {}): DhcpPacket {
  return packet({ ...fields, options: { messageType: 'REQUEST', ...options } })
}

/** RFC 2131 §4.3.2: a REQUEST that answers an OFFER. */
export function selecting(requestedAddress: IPv4Address, fields: PacketFields = {}): DhcpPacket {
  return request({ ...fields, options: { serverIdentifier: SERVER, requestedAddress, ...fields.options } })
}

/** RFC 2131 §4.3.2: a REQUEST of a client that remembers its address. */
export function initReboot(requestedAddress: IPv4Address, fields: PacketFields = {}): DhcpPacket {
  return request({ ...fields, options: { requestedAddress, ...fields.options } })
}

/** RFC 2131 §4.3.2: a REQUEST to lengthen a lease; renewing or rebinding by how it arrives. */
export function renewing(ciaddr: IPv4Address, fields: PacketFields = {}): DhcpPacket {
  return request({ ...fields, ciaddr })
}
