import { describe, expect, test } from 'vitest'
import { parseCidr } from '../../src/api/values/cidr.ts'
import { InvalidDomainNameError } from '../../src/api/values/domain-name.ts'
import { UNSPECIFIED_ADDRESS } from '../../src/api/values/ipv4-address.ts'
import { type Binding, decideReply, type Reply } from '../../src/dhcp/decide.ts'
import { decodePacket } from '../../src/dhcp/decode-packet.ts'
import { encodePacket } from '../../src/dhcp/encode-packet.ts'
import { InvalidOptionError } from '../../src/dhcp/errors.ts'
import { type PreparedNetwork, prepareNetwork } from '../../src/dhcp/network.ts'
import { getOption } from '../../src/dhcp/options.ts'
import { BROADCAST_FLAG, type DhcpPacket } from '../../src/dhcp/packet.ts'
import {
  ASSIGNED,
  BROADCAST,
  discover,
  initReboot,
  ip,
  NET_48,
  network,
  renewing,
  SERVER,
  selecting,
} from './builders.ts'

const FULL = network({
  dns: [ip('1.1.1.1'), ip('8.8.8.8')],
  domainName: 'example.com',
  domainSearch: ['example.com', 'corp.example.com'],
  ntpServers: [ip('192.168.48.3')],
})

function replyTo(request: DhcpPacket, prepared: PreparedNetwork = FULL, binding: Binding = ASSIGNED): Reply {
  const decision = decideReply(request, binding, prepared, BROADCAST)
  if (decision.type === 'silent') throw new Error(`no reply: ${decision.reason}`)
  return decision
}

const codes = (packet: DhcpPacket) => [...packet.options.keys()]
const nakOf = (request: DhcpPacket) => replyTo(request, FULL, 'revoked').packet

describe('the fields of a reply (RFC 2131 §4.3.1, table 3)', () => {
  test('an OFFER has no ciaddr, even when the DISCOVER has one', () => {
    expect(replyTo(discover({ ciaddr: ASSIGNED })).packet).toMatchObject({
      op: 'BOOTREPLY',
      ciaddr: UNSPECIFIED_ADDRESS,
      yiaddr: ASSIGNED,
      siaddr: UNSPECIFIED_ADDRESS,
    })
  })

  test('an ACK has the ciaddr of its REQUEST', () => {
    expect(replyTo(renewing(ASSIGNED)).packet.ciaddr).toBe(ASSIGNED)
    expect(replyTo(selecting(ASSIGNED)).packet.ciaddr).toBe(UNSPECIFIED_ADDRESS)
  })

  test('hops and secs are zero, flags and relay are copied', () => {
    const request = discover({ hops: 3, secs: 9, flags: BROADCAST_FLAG, giaddr: ip('192.168.48.2') })

    expect(replyTo(request).packet).toMatchObject({
      hops: 0,
      secs: 0,
      flags: BROADCAST_FLAG,
      giaddr: ip('192.168.48.2'),
    })
  })

  test('a NAK has no address and no lease, and says why (option 56)', () => {
    const nak = nakOf(initReboot(ASSIGNED))

    expect(nak).toMatchObject({ ciaddr: UNSPECIFIED_ADDRESS, yiaddr: UNSPECIFIED_ADDRESS })
    expect(codes(nak)).toEqual([53, 54, 56])
    expect(getOption(nak.options, 'message')).toBe('no address is assigned to this client any more')
  })

  test('a NAK through a relay asks it to broadcast (RFC 2131 §4.3.2)', () => {
    expect(nakOf(initReboot(ASSIGNED, { giaddr: ip('192.168.48.2') })).flags).toBe(BROADCAST_FLAG)
    expect(nakOf(initReboot(ASSIGNED)).flags).toBe(0)
  })
})

describe('which options, in which order', () => {
  test('a client that asks for nothing in particular gets all that is configured', () => {
    const { options } = replyTo(discover()).packet

    expect([...options.keys()]).toEqual([53, 54, 51, 1, 3, 6, 15, 28, 42, 119, 58, 59])
    expect(getOption(options, 'subnetMask')).toBe(ip('255.255.255.0'))
    expect(getOption(options, 'routers')).toEqual([ip('192.168.48.1')])
    expect(getOption(options, 'dnsServers')).toEqual([ip('1.1.1.1'), ip('8.8.8.8')])
    expect(getOption(options, 'domainName')).toBe('example.com')
    expect(getOption(options, 'broadcastAddress')).toBe(ip('192.168.48.255'))
    expect(getOption(options, 'ntpServers')).toEqual([ip('192.168.48.3')])
    expect(getOption(options, 'domainSearch')).toEqual(['example.com', 'corp.example.com'])
  })

  test('a client that names options gets those, in its order (RFC 2132 §9.8)', () => {
    const request = discover({ options: { parameterRequestList: [119, 6, 3, 1, 12, 6, 250] } })

    expect(codes(replyTo(request).packet)).toEqual([53, 54, 51, 1, 119, 6, 3, 58, 59])
  })

  test('the subnet mask stands before the routers in whichever order they are asked for (RFC 2132 §3.3)', () => {
    const request = discover({ options: { parameterRequestList: [3, 1] } })

    const order = codes(replyTo(request).packet)

    expect(order.indexOf(1)).toBeLessThan(order.indexOf(3))
  })

  test('lease time, mask, T1 and T2 come unasked, and T1 and T2 where they are asked for', () => {
    expect(codes(replyTo(discover({ options: { parameterRequestList: [26] } })).packet)).toEqual([
      53, 54, 51, 1, 58, 59,
    ])
    expect(codes(replyTo(discover({ options: { parameterRequestList: [59, 58, 3] } })).packet)).toEqual([
      53, 54, 51, 1, 59, 58, 3,
    ])
  })

  test('a pool without router, DNS and the like sends none of them', () => {
    const { router: _, ...bare } = { ...NET_48, dns: [] }

    expect(codes(replyTo(discover(), prepareNetwork(bare)).packet)).toEqual([53, 54, 51, 1, 28, 58, 59])
  })

  test('the lease time is the pool’s, T1 half of it and T2 seven eighths (RFC 2131 §4.4.5)', () => {
    const { options } = replyTo(selecting(ASSIGNED)).packet

    expect(getOption(options, 'leaseTime')).toBe(300)
    expect(getOption(options, 'renewalTime')).toBe(150)
    expect(getOption(options, 'rebindingTime')).toBe(262)
  })

  test('a lease for ever has no T1 and T2 (RFC 2131 §3.3)', () => {
    const { options } = replyTo(selecting(ASSIGNED), network({ leaseSeconds: 0xffffffff })).packet

    expect(getOption(options, 'leaseTime')).toBe(0xffffffff)
    expect(options.has(58) || options.has(59)).toBe(false)
  })

  test('a /31 has no broadcast address (RFC 3021)', () => {
    const prepared = network({ subnet: parseCidr('192.168.48.86/31') })

    expect(replyTo(discover(), prepared).packet.options.has(28)).toBe(false)
  })
})

describe('what is echoed', () => {
  const clientIdentifier = Uint8Array.of(255, 1, 2, 3)
  const relayAgentInformation = Uint8Array.of(1, 2, 0, 4)
  const echoed = { options: { relayAgentInformation, clientIdentifier } }

  test.each([
    ['an OFFER', replyTo(discover(echoed)).packet],
    ['an ACK', replyTo(selecting(ASSIGNED, echoed)).packet],
    ['a NAK', nakOf(selecting(ASSIGNED, echoed))],
  ])(
    '%s has the client identifier (RFC 6842 §3) and, last, the relay’s option (RFC 3046 §2.2)',
    (_, reply) => {
      expect(reply.options.get(61)).toEqual(clientIdentifier)
      expect(codes(reply).at(-1)).toBe(82)
      expect(reply.options.get(82)).toEqual(relayAgentInformation)
    },
  )

  test('a client that sends no identifier gets none', () => {
    expect(replyTo(discover()).packet.options.has(61)).toBe(false)
  })
})

describe('how long a reply may be', () => {
  test.each([
    ['says nothing', undefined, 576],
    ['says less than it must take', 300, 576],
    ['says what it takes', 1000, 1000],
    ['says more than every link takes', 65_535, 1280],
  ])('a client that %s', (_, maxMessageSize, expected) => {
    const request = discover({ options: maxMessageSize === undefined ? {} : { maxMessageSize } })

    expect(replyTo(request).maxMessageSize).toBe(expected)
  })

  test('a long search list moves other options to file and sname before anything is left out', () => {
    const domainSearch = Array.from({ length: 12 }, (_, i) => `department-number-${i}.example.com`)
    const reply = replyTo(discover(), network({ domainSearch, domainName: 'example.com' }))

    const decoded = decodePacket(encodePacket(reply.packet, reply.maxMessageSize))

    expect(new Map(decoded.options)).toEqual(new Map(reply.packet.options))
  })
})

describe('a network that cannot be put into options is refused', () => {
  test('a domain that is none', () => {
    expect(() => network({ domainName: 'exa mple' })).toThrow(InvalidDomainNameError)
    expect(() => network({ domainSearch: ['example.com', ''] })).toThrow(InvalidDomainNameError)
  })

  test('a lease time beyond 32 bits', () => {
    expect(() => network({ leaseSeconds: 2 ** 32 })).toThrow(InvalidOptionError)
  })

  test('more servers than an option holds', () => {
    expect(() => network({ ntpServers: Array(64).fill(SERVER) })).toThrow(InvalidOptionError)
  })
})
