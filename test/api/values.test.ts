import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allocateRequestSchema } from '../../actors/pool/contracts.ts'
import {
  broadcastAddress,
  cidrContains,
  formatCidr,
  InvalidCidrError,
  netmask,
  parseCidr,
} from '../../src/api/values/cidr.ts'
import { InvalidDomainNameError, parseDomainName } from '../../src/api/values/domain-name.ts'
import {
  formatIPv4Address,
  InvalidIPv4AddressError,
  parseIPv4Address,
  toIPv4Address,
} from '../../src/api/values/ipv4-address.ts'
import {
  InvalidMacAddressError,
  macAddressFromBytes,
  macAddressToBytes,
  parseMacAddress,
} from '../../src/api/values/mac-address.ts'
import { formatObjectKey, InvalidObjectKeyError, parseObjectKey } from '../../src/api/values/object-key.ts'
import { formatInstant, InvalidInstantError, parseInstant, toInstant } from '../../src/api/values/time.ts'

describe('an IPv4 address', () => {
  test('is the same in text and as a number', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (value) => {
        expect(parseIPv4Address(formatIPv4Address(toIPv4Address(value)))).toBe(value)
      }),
    )
    expect(parseIPv4Address('10.0.0.1')).toBe(0x0a000001)
  })

  test.each(['', '10.0.0', '10.0.0.256', '10.0.0.01', '10.0.0.1 ', '0x0a.0.0.1', '1', '::1', '10.0.0.1.2'])(
    '"%s" is none',
    (text) => expect(() => parseIPv4Address(text)).toThrow(InvalidIPv4AddressError),
  )

  test('whatever a message may hold as an address can be parsed', () => {
    const { pinnedAddress } = allocateRequestSchema.shape
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.string()), (text) => {
        if (pinnedAddress.safeParse(text).success) expect(() => parseIPv4Address(text)).not.toThrow()
      }),
    )
  })
})

describe('a MAC address', () => {
  test('is the same in text and as bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const mac = macAddressFromBytes(bytes)
        expect(parseMacAddress(mac)).toBe(mac)
        expect(macAddressToBytes(mac)).toEqual(bytes)
      }),
    )
  })

  test('has one canonical form', () => {
    expect(parseMacAddress('CA-70-82-E6-84-6E')).toBe('ca:70:82:e6:84:6e')
  })

  test.each([
    '',
    'ca:70:82:e6:84',
    'ca:70:82:e6:84:6e:00',
    'ca7082e6846e',
    'cg:70:82:e6:84:6e',
    'ca:70:82:e6:84:6e\n',
  ])('"%s" is none', (text) => expect(() => parseMacAddress(text)).toThrow(InvalidMacAddressError))
})

describe('a subnet', () => {
  test('may be written with an address inside it', () => {
    expect(formatCidr(parseCidr('192.168.48.77/24'))).toBe('192.168.48.0/24')
  })

  test('holds the addresses from its network address to its broadcast address', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffffffff),
        fc.integer({ min: 0, max: 32 }),
        fc.nat(0xffffffff),
        (base, length, other) => {
          const cidr = parseCidr(`${formatIPv4Address(toIPv4Address(base))}/${length}`)
          const isInside = other >= cidr.network && other <= broadcastAddress(cidr)
          expect(cidrContains(cidr, toIPv4Address(other))).toBe(isInside)
        },
      ),
    )
  })

  test.each([
    [0, '0.0.0.0'],
    [8, '255.0.0.0'],
    [25, '255.255.255.128'],
    [32, '255.255.255.255'],
  ])('of /%i has the mask %s', (length, mask) => expect(formatIPv4Address(netmask(length))).toBe(mask))

  test.each([
    '',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0/8',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
  ])('"%s" is none', (text) => expect(() => parseCidr(text)).toThrow(InvalidCidrError))
})

describe('a namespaced name', () => {
  test('has the given namespace when it names none', () => {
    expect(formatObjectKey(parseObjectKey('net-48', 'tenant'))).toBe('tenant/net-48')
    expect(formatObjectKey(parseObjectKey('default/net.48', 'tenant'))).toBe('default/net.48')
  })

  test.each(['', 'a/b/c', '/a', 'a/', 'A', 'a b', '../x', 'a_b', `${'x'.repeat(254)}`, '-a'])(
    '"%s" is none',
    (text) => expect(() => parseObjectKey(text, 'default')).toThrow(InvalidObjectKeyError),
  )

  test('without any namespace is none', () => {
    expect(() => parseObjectKey('net-48')).toThrow(InvalidObjectKeyError)
  })
})

describe('a domain name', () => {
  test.each(['example.com', 'a', '_dhcp.example', 'EXAMPLE.com', 'x-y.z'])('"%s" is one', (text) =>
    expect(parseDomainName(text)).toBe(text),
  )

  test('may end with the dot of the root, which is not kept', () => {
    expect(parseDomainName('example.com.')).toBe('example.com')
  })

  test.each([
    '',
    '.',
    'a..b',
    '-a',
    'a-',
    'a b',
    '$(x)',
    "a'b",
    'x'.repeat(64),
    `${'abcdefg.'.repeat(32)}abc`,
  ])('"%s" is none', (text) => expect(() => parseDomainName(text)).toThrow(InvalidDomainNameError))
})

describe('a time', () => {
  test('is written as Kubernetes writes it', () => {
    expect(formatInstant(toInstant(Date.UTC(2024, 1, 15, 13, 17, 21, 999)))).toBe('2024-02-15T13:17:21Z')
    expect(formatInstant(parseInstant('2024-02-15T14:17:21+01:00'))).toBe('2024-02-15T13:17:21Z')
  })

  test('that cannot be read is refused', () => {
    expect(() => parseInstant('yesterday')).toThrow(InvalidInstantError)
  })
})
