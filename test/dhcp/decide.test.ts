import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cidrContains } from '../../src/api/values/cidr.ts'
import { type IPv4Address, UNSPECIFIED_ADDRESS } from '../../src/api/values/ipv4-address.ts'
import { type Arrival, type Binding, decideReply } from '../../src/dhcp/decide.ts'
import { MESSAGE_TYPES } from '../../src/dhcp/message-type.ts'
import { getOption } from '../../src/dhcp/options.ts'
import type { DhcpPacket } from '../../src/dhcp/packet.ts'
import { address, anyPacket } from './arbitraries.ts'
import {
  ASSIGNED,
  BROADCAST,
  discover,
  initReboot,
  ip,
  NET_48,
  network,
  packet,
  renewing,
  request,
  SERVER,
  selecting,
  UNICAST,
} from './builders.ts'

const NETWORK = network()
const OTHER = ip('192.168.48.88')
const ELSEWHERE = ip('10.0.0.5')
const OTHER_SERVER = ip('192.168.48.78')
const UNKNOWN: Binding = undefined

const decide = (message: DhcpPacket, binding: Binding, arrival: Arrival = BROADCAST) =>
  decideReply(message, binding, NETWORK, arrival)

const silence = (reason: string) => ({ type: 'silent', reason })

describe('messages that are not for this server', () => {
  test.each([
    ['a reply', discover({ op: 'BOOTREPLY' }), 'not-a-request'],
    ['a client on InfiniBand', discover({ htype: 32, hlen: 0 }), 'unsupported-hardware-type'],
    ['an Ethernet client with a long address', discover({ hlen: 8 }), 'unsupported-hardware-type'],
    ['plain BOOTP', packet(), 'no-message-type'],
    ['a relay of another subnet (RFC 2131 §4.3.1)', discover({ giaddr: ELSEWHERE }), 'other-subnet'],
  ])('%s is not answered', (_, message, reason) => {
    expect(decide(message, ASSIGNED)).toEqual(silence(reason))
  })

  test.each(MESSAGE_TYPES.filter((type) => type !== 'DISCOVER' && type !== 'REQUEST'))(
    '%s is not answered',
    (messageType) => {
      const message = packet({
        options: { messageType, serverIdentifier: SERVER, requestedAddress: ASSIGNED },
      })

      expect(decide(message, ASSIGNED)).toEqual(silence('unsupported-message-type'))
    },
  )
})

describe('DISCOVER (RFC 2131 §4.3.1)', () => {
  test('a client with a binding is offered its address', () => {
    expect(decide(discover(), ASSIGNED)).toMatchObject({
      messageType: 'OFFER',
      clientState: 'init',
      address: ASSIGNED,
      packet: { yiaddr: ASSIGNED },
    })
  })

  test('a wish for another address is not granted', () => {
    const message = discover({ options: { requestedAddress: OTHER } })

    expect(decide(message, ASSIGNED)).toMatchObject({ messageType: 'OFFER', address: ASSIGNED })
  })

  test.each([
    ['was never ours', UNKNOWN],
    ['is ours no more', 'revoked' as const],
  ])('a client that %s is not answered', (_, binding) => {
    expect(decide(discover(), binding)).toEqual(silence('unknown-client'))
  })

  test('a relayed client of this subnet is answered', () => {
    expect(decide(discover({ giaddr: ip('192.168.48.2') }), ASSIGNED)).toMatchObject({ messageType: 'OFFER' })
  })
})

describe('REQUEST in SELECTING: server identifier and requested address, no ciaddr (RFC 2131 §4.3.2)', () => {
  test('the address that was offered is confirmed', () => {
    expect(decide(selecting(ASSIGNED), ASSIGNED)).toMatchObject({
      messageType: 'ACK',
      clientState: 'selecting',
      address: ASSIGNED,
    })
  })

  test('a REQUEST that names another server is not answered (RFC 2131 §3.1.4)', () => {
    const message = selecting(ASSIGNED, { options: { serverIdentifier: OTHER_SERVER } })

    expect(decide(message, ASSIGNED)).toEqual(silence('other-server'))
  })

  test('another address than the assigned one is refused (RFC 2131 §3.1.4)', () => {
    expect(decide(selecting(OTHER), ASSIGNED)).toMatchObject({
      messageType: 'NAK',
      clientState: 'selecting',
      reason: 'other-address',
    })
  })

  test.each([
    ['whose binding went between OFFER and REQUEST', 'revoked' as const],
    ['that chose us without being ours', UNKNOWN],
  ])('a client %s is refused, for nobody else will answer it (RFC 2131 §3.1.4)', (_, binding) => {
    expect(decide(selecting(ASSIGNED), binding)).toMatchObject({ messageType: 'NAK', reason: 'no-address' })
  })

  test('ciaddr must be zero', () => {
    expect(decide(selecting(ASSIGNED, { ciaddr: ASSIGNED }), ASSIGNED)).toEqual(silence('invalid-request'))
  })

  test('the requested address must be there', () => {
    const message = request({ options: { serverIdentifier: SERVER } })

    expect(decide(message, ASSIGNED)).toEqual(silence('invalid-request'))
  })
})

describe('REQUEST in INIT-REBOOT: requested address, no server identifier, no ciaddr (RFC 2131 §4.3.2)', () => {
  test('the right address is confirmed', () => {
    expect(decide(initReboot(ASSIGNED), ASSIGNED)).toMatchObject({
      messageType: 'ACK',
      clientState: 'init-reboot',
      address: ASSIGNED,
    })
  })

  test('another address than the assigned one is refused', () => {
    expect(decide(initReboot(OTHER), ASSIGNED)).toMatchObject({
      messageType: 'NAK',
      clientState: 'init-reboot',
      reason: 'other-address',
    })
  })

  test.each([
    ['assigned', ASSIGNED],
    ['revoked', 'revoked' as const],
  ])('an address of another subnet is refused, so that a moved NIC starts anew: %s', (_, binding) => {
    expect(decide(initReboot(ELSEWHERE), binding)).toMatchObject({
      messageType: 'NAK',
      clientState: 'init-reboot',
      reason: 'wrong-network',
    })
  })

  test('a stranger with an address of another subnet may be another server’s client, and is left in peace', () => {
    expect(decide(initReboot(ELSEWHERE), UNKNOWN)).toEqual(silence('unknown-client'))
  })

  test('the wrong network is told through a relay too', () => {
    expect(decide(initReboot(ELSEWHERE, { giaddr: ip('192.168.48.2') }), ASSIGNED)).toMatchObject({
      messageType: 'NAK',
      reason: 'wrong-network',
    })
  })

  test('a client without record MUST be left in peace', () => {
    expect(decide(initReboot(ASSIGNED), UNKNOWN)).toEqual(silence('unknown-client'))
  })

  test('a client whose binding was revoked is refused', () => {
    expect(decide(initReboot(ASSIGNED), 'revoked')).toMatchObject({
      messageType: 'NAK',
      reason: 'no-address',
    })
  })

  test('a REQUEST without any address says nothing', () => {
    expect(decide(request(), ASSIGNED)).toEqual(silence('invalid-request'))
  })
})

describe.each([
  ['RENEWING: ciaddr, unicast', 'renewing', UNICAST],
  ['REBINDING: ciaddr, broadcast', 'rebinding', BROADCAST],
  ['REBINDING by the subnet’s broadcast address', 'rebinding', { destinationAddress: ip('192.168.48.255') }],
])('REQUEST in %s (RFC 2131 §4.3.2)', (_, clientState, arrival) => {
  test('the lease of the right address is lengthened', () => {
    expect(decide(renewing(ASSIGNED), ASSIGNED, arrival)).toMatchObject({
      messageType: 'ACK',
      clientState,
      address: ASSIGNED,
      packet: { ciaddr: ASSIGNED, yiaddr: ASSIGNED },
    })
  })

  test('our client with another address is refused', () => {
    expect(decide(renewing(OTHER), ASSIGNED, arrival)).toMatchObject({
      messageType: 'NAK',
      clientState,
      reason: 'other-address',
    })
  })

  test('a client whose binding was revoked is refused', () => {
    expect(decide(renewing(ASSIGNED), 'revoked', arrival)).toMatchObject({
      messageType: 'NAK',
      reason: 'no-address',
    })
  })

  test('an unknown client is left in peace', () => {
    expect(decide(renewing(ASSIGNED), UNKNOWN, arrival)).toEqual(silence('unknown-client'))
  })
})

test('a renewal that is sent to another server is not answered', () => {
  expect(decide(renewing(ASSIGNED), ASSIGNED, { destinationAddress: OTHER_SERVER })).toEqual(
    silence('other-server'),
  )
})

test('a relayed renewal is a rebinding, for RENEWING never takes a relay (RFC 2131 §4.3.2)', () => {
  const message = renewing(ASSIGNED, { giaddr: ip('192.168.48.2') })

  expect(decide(message, ASSIGNED, UNICAST)).toMatchObject({ messageType: 'ACK', clientState: 'rebinding' })
})

describe('for any message and any binding', () => {
  const inSubnet = fc.integer({ min: 1, max: 254 }).map((host) => ip(`192.168.48.${host}`))
  const someAddress: fc.Arbitrary<IPv4Address> = fc.oneof(
    fc.constantFrom(UNSPECIFIED_ADDRESS, SERVER, ASSIGNED),
    inSubnet,
    address,
  )
  const binding: fc.Arbitrary<Binding> = fc.oneof(fc.constantFrom('revoked', undefined), inSubnet)
  const option = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const message = fc
    .record({
      base: anyPacket,
      ciaddr: someAddress,
      giaddr: someAddress,
      messageType: option(fc.constantFrom('DISCOVER', 'REQUEST', 'REQUEST', 'RELEASE', 'INFORM')),
      serverIdentifier: option(someAddress),
      requestedAddress: option(someAddress),
    })
    .map(({ base, ciaddr, giaddr, messageType, serverIdentifier, requestedAddress }): DhcpPacket => {
      const typed = packet({
        options: {
          ...(messageType && { messageType }),
          ...(serverIdentifier !== undefined && { serverIdentifier }),
          ...(requestedAddress !== undefined && { requestedAddress }),
        },
      })
      const others = [...base.options].filter(([code]) => ![50, 53, 54].includes(code))
      const options = new Map([...others, ...typed.options])
      return { ...base, op: 'BOOTREQUEST', htype: 1, hlen: 6, ciaddr, giaddr, options }
    })

  function forAnyReply(
    check: (message: DhcpPacket, binding: Binding, reply: DhcpPacket, type: string) => void,
  ) {
    fc.assert(
      fc.property(message, binding, someAddress, (request, bound, destinationAddress) => {
        const decision = decide(request, bound, { destinationAddress })
        if (decision.type === 'reply') check(request, bound, decision.packet, decision.messageType)
      }),
      { numRuns: 2000 },
    )
  }

  test('a reply carries no other address than the binding', () => {
    forAnyReply((_request, bound, reply, type) => {
      if (type === 'NAK') {
        expect(reply).toMatchObject({ yiaddr: UNSPECIFIED_ADDRESS, ciaddr: UNSPECIFIED_ADDRESS })
      } else {
        expect(reply.yiaddr).toBe(bound)
        expect([UNSPECIFIED_ADDRESS, bound]).toContain(reply.ciaddr)
      }
    })
  })

  test('a reply copies xid, hardware address and relay', () => {
    forAnyReply((request, _bound, reply) => {
      const { xid, htype, hlen, chaddr, giaddr } = request
      expect(reply).toMatchObject({ op: 'BOOTREPLY', xid, htype, hlen, chaddr, giaddr, hops: 0, secs: 0 })
      expect(reply.siaddr).toBe(UNSPECIFIED_ADDRESS)
    })
  })

  test('a NAK grants nothing (RFC 2131 §4.3.1, table 3)', () => {
    forAnyReply((request, _bound, reply, type) => {
      if (type !== 'NAK') return
      expect(getOption(request.options, 'messageType')).toBe('REQUEST')
      expect([...reply.options.keys()].filter((code) => ![53, 54, 56, 61, 82].includes(code))).toEqual([])
    })
  })

  test('every reply names this server', () => {
    forAnyReply((_request, _bound, reply, type) => {
      expect(getOption(reply.options, 'messageType')).toBe(type)
      expect(getOption(reply.options, 'serverIdentifier')).toBe(SERVER)
    })
  })

  test('a client without a binding gets no address', () => {
    fc.assert(
      fc.property(message, fc.constantFrom('revoked', undefined), (request, bound) => {
        const decision = decide(request, bound)
        if (decision.type === 'reply') expect(decision.messageType).toBe('NAK')
      }),
    )
  })

  test('nothing leaves for a relay outside the subnet', () => {
    forAnyReply((request) => {
      const { giaddr } = request
      expect(giaddr === UNSPECIFIED_ADDRESS || cidrContains(NET_48.subnet, giaddr)).toBe(true)
    })
  })
})
