import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidDomainNameError, parseDomainName } from '../../src/api/values/domain-name.ts'
import { InvalidOptionError } from '../../src/dhcp/errors.ts'
import {
  encodeOption,
  encodeOptions,
  getOption,
  OPTIONS,
  type OptionName,
  type OptionValues,
} from '../../src/dhcp/options.ts'
import { optionValues } from './arbitraries.ts'
import { ip } from './builders.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
const ascii = (text: string) => new TextEncoder().encode(text)

type Example = {
  [Name in OptionName]: [name: Name, code: number, value: OptionValues[Name], wire: Uint8Array]
}

/** Bytes worked out by hand from each option's RFC. */
const EXAMPLES: { [Name in OptionName]: Example[Name] } = {
  subnetMask: ['subnetMask', 1, ip('255.255.255.0'), bytes(255, 255, 255, 0)],
  routers: ['routers', 3, [ip('10.0.0.1'), ip('10.0.0.2')], bytes(10, 0, 0, 1, 10, 0, 0, 2)],
  dnsServers: ['dnsServers', 6, [ip('1.1.1.1')], bytes(1, 1, 1, 1)],
  hostName: ['hostName', 12, 'test-vm', ascii('test-vm')],
  domainName: ['domainName', 15, parseDomainName('example.com'), ascii('example.com')],
  interfaceMtu: ['interfaceMtu', 26, 1450, bytes(5, 0xaa)],
  broadcastAddress: ['broadcastAddress', 28, ip('10.0.0.255'), bytes(10, 0, 0, 255)],
  ntpServers: ['ntpServers', 42, [ip('10.0.0.3')], bytes(10, 0, 0, 3)],
  requestedAddress: ['requestedAddress', 50, ip('255.255.255.255'), bytes(255, 255, 255, 255)],
  leaseTime: ['leaseTime', 51, 0xffffffff, bytes(255, 255, 255, 255)],
  overload: ['overload', 52, 3, bytes(3)],
  messageType: ['messageType', 53, 'INFORM', bytes(8)],
  serverIdentifier: ['serverIdentifier', 54, ip('192.168.48.77'), bytes(192, 168, 48, 77)],
  parameterRequestList: ['parameterRequestList', 55, [1, 3, 6], bytes(1, 3, 6)],
  message: ['message', 56, 'no', ascii('no')],
  maxMessageSize: ['maxMessageSize', 57, 576, bytes(2, 64)],
  renewalTime: ['renewalTime', 58, 150, bytes(0, 0, 0, 150)],
  rebindingTime: ['rebindingTime', 59, 262, bytes(0, 0, 1, 6)],
  vendorClass: ['vendorClass', 60, 'udhcp 1.35.0', ascii('udhcp 1.35.0')],
  clientIdentifier: ['clientIdentifier', 61, bytes(1, 2, 3), bytes(1, 2, 3)],
  relayAgentInformation: ['relayAgentInformation', 82, bytes(1, 2, 0, 4), bytes(1, 2, 0, 4)],
  // The example of RFC 3397 §2.
  domainSearch: [
    'domainSearch',
    119,
    [parseDomainName('eng.apple.com'), parseDomainName('marketing.apple.com')],
    bytes(3, ...ascii('eng'), 5, ...ascii('apple'), 3, ...ascii('com'), 0, 9, ...ascii('marketing'), 0xc0, 4),
  ],
}

function expectOnTheWire<Name extends OptionName>([name, code, value, wire]: Example[Name]) {
  expect(OPTIONS[name].code).toBe(code)
  expect(encodeOption(name, value)).toEqual(wire)
  expect(getOption(new Map([[code, wire]]), name)).toEqual(value)
}

function expectRoundTrip<Name extends OptionName>(name: Name, values: fc.Arbitrary<OptionValues[Name]>) {
  fc.assert(
    fc.property(values, (value) => {
      expect(getOption(new Map([[OPTIONS[name].code, encodeOption(name, value)]]), name)).toEqual(value)
    }),
  )
}

describe('every option of the table', () => {
  const names = Object.keys(OPTIONS) as OptionName[]

  test.each(names)('%s is on the wire as its RFC says', (name) => {
    expectOnTheWire(EXAMPLES[name])
  })

  test.each(names)('%s reads back as it was written', (name) => {
    expectRoundTrip(name, optionValues[name])
  })

  test('codes are unique', () => {
    expect(new Set(names.map((name) => OPTIONS[name].code)).size).toBe(names.length)
  })
})

test('encodeOptions keeps the order in which the values are named', () => {
  const options = encodeOptions({ leaseTime: 300, messageType: 'ACK', subnetMask: ip('255.0.0.0') })

  expect([...options.keys()]).toEqual([51, 53, 1])
})

describe('texts', () => {
  test('trailing NULs are deleted (RFC 2132 §2)', () => {
    expect(getOption(new Map([[12, ascii('test-vm\0\0')]]), 'hostName')).toBe('test-vm')
  })

  test('an empty host name is read, for clients send it, and never written', () => {
    expect(getOption(new Map([[12, bytes()]]), 'hostName')).toBe('')
    expect(() => encodeOption('hostName', '')).toThrow(InvalidOptionError)
  })

  test('bytes that are no UTF-8 still give a text', () => {
    expect(getOption(new Map([[60, bytes(0xff, 0x41)]]), 'vendorClass')).toBe('\ufffdA')
  })
})

describe('values that an option cannot carry are refused by name', () => {
  test.each([
    ['no DNS server', () => encodeOption('dnsServers', []), /dnsServers: 0 bytes/],
    ['64 DNS servers', () => encodeOption('dnsServers', Array(64).fill(ip('1.1.1.1'))), /at most 255/],
    ['a negative lease time', () => encodeOption('leaseTime', -1), /leaseTime: -1 is not a whole number/],
    ['a lease time of 2^32', () => encodeOption('leaseTime', 2 ** 32), /4294967295/],
    ['half a second', () => encodeOption('leaseTime', 0.5), /0.5 is not a whole number/],
    ['a text of 256 bytes', () => encodeOption('message', 'x'.repeat(256)), /at most 255/],
  ])('%s', (_, encode, reason) => {
    expect(encode).toThrow(InvalidOptionError)
    expect(encode).toThrow(reason)
  })

  test('bytes that were never checked are refused when they are read', () => {
    expect(() => getOption(new Map([[51, bytes(1)]]), 'leaseTime')).toThrow(InvalidOptionError)
  })
})

describe('domain names', () => {
  test.each([
    ['example.com', 'example.com'],
    ['example.com.', 'example.com'],
    ['localdomain', 'localdomain'],
    ['_tcp.a-b.Example', '_tcp.a-b.Example'],
    [`${'a'.repeat(63)}.com`, `${'a'.repeat(63)}.com`],
  ])('%s is one', (text, name) => {
    expect(parseDomainName(text)).toBe(name)
  })

  test.each([
    ['', /empty/],
    ['.', /empty/],
    ['a..b', /empty label/],
    ['.com', /empty label/],
    ['-a.com', /hyphen/],
    ['a-.com', /hyphen/],
    ['exa mple.com', /letters, digits/],
    ['$(reboot).com', /letters, digits/],
    ['bücher.example', /letters, digits/],
    [`${'a'.repeat(64)}.com`, /longer than 63/],
    [Array(64).fill('abc').join('.'), /longer than 253/],
  ])('"%s" is none, and the error says why', (text, reason) => {
    expect(() => parseDomainName(text)).toThrow(InvalidDomainNameError)
    expect(() => parseDomainName(text)).toThrow(reason)
  })
})
