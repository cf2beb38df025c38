import fc from 'fast-check'
import { type DomainName, parseDomainName } from '../../src/api/values/domain-name.ts'
import { type IPv4Address, toIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { MESSAGE_TYPES } from '../../src/dhcp/message-type.ts'
import { flawInOption, type OptionValues } from '../../src/dhcp/options.ts'
import type { DhcpPacket } from '../../src/dhcp/packet.ts'

export const address: fc.Arbitrary<IPv4Address> = fc.integer({ min: 0, max: 0xffffffff }).map(toIPv4Address)
const byte = fc.integer({ min: 0, max: 255 })
const uint16 = fc.integer({ min: 0, max: 0xffff })
const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const addresses = fc.array(address, { minLength: 1, maxLength: 63 })
const freeText = fc
  .string({ minLength: 1, maxLength: 60 })
  .filter((value) => !value.endsWith('\0') && !value.startsWith('\uFEFF'))

/** Labels of a small alphabet, so that suffixes repeat and get compressed. */
const label = fc.stringMatching(/^[a-c]([a-cX_-]{0,8}[a-c0-9])?$/)
export const domainName: fc.Arbitrary<DomainName> = fc
  .array(label, { minLength: 1, maxLength: 8 })
  .map((labels) => parseDomainName(labels.join('.')))

/** Values for every row of the table: a new row does not compile until it is tested. */
export const optionValues: { [Name in keyof OptionValues]: fc.Arbitrary<OptionValues[Name]> } = {
  subnetMask: address,
  routers: addresses,
  dnsServers: addresses,
  hostName: freeText,
  domainName,
  interfaceMtu: uint16,
  broadcastAddress: address,
  ntpServers: addresses,
  requestedAddress: address,
  leaseTime: uint32,
  overload: fc.constantFrom(1, 2, 3),
  messageType: fc.constantFrom(...MESSAGE_TYPES),
  serverIdentifier: address,
  parameterRequestList: fc.array(byte, { minLength: 1, maxLength: 255 }),
  message: freeText,
  maxMessageSize: uint16,
  renewalTime: uint32,
  rebindingTime: uint32,
  vendorClass: freeText,
  clientIdentifier: fc.uint8Array({ minLength: 2, maxLength: 255 }),
  relayAgentInformation: fc.uint8Array({ minLength: 2, maxLength: 600 }),
  domainSearch: fc.array(domainName, { minLength: 1, maxLength: 40 }),
}

/** Raw options: some with a row in the table (those only with valid values), some without, some long. */
export const rawOptions: fc.Arbitrary<Map<number, Uint8Array>> = fc
  .array(
    fc.tuple(
      fc.integer({ min: 1, max: 254 }).filter((code) => code !== 52),
      fc.uint8Array({ maxLength: 700 }),
    ),
    { maxLength: 12 },
  )
  .map((options) => new Map(options.filter(([code, value]) => flawInOption(code, value) === undefined)))

const zeroTrimmed = (maxLength: number) =>
  fc.uint8Array({ maxLength }).filter((bytes) => bytes[bytes.length - 1] !== 0)

export const anyPacket: fc.Arbitrary<DhcpPacket> = fc.record({
  op: fc.constantFrom('BOOTREQUEST', 'BOOTREPLY'),
  htype: byte,
  hlen: fc.integer({ min: 0, max: 16 }),
  hops: byte,
  xid: uint32,
  secs: uint16,
  flags: uint16,
  ciaddr: address,
  yiaddr: address,
  siaddr: address,
  giaddr: address,
  chaddr: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  sname: zeroTrimmed(64),
  file: zeroTrimmed(128),
  options: rawOptions,
})
