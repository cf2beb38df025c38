import { describe, expect, test } from 'vitest'
import { decideReply } from '../../src/dhcp/decide.ts'
import { decodePacket } from '../../src/dhcp/decode-packet.ts'
import { encodePacket } from '../../src/dhcp/encode-packet.ts'
import { getOption } from '../../src/dhcp/options.ts'
import { clientMacAddress } from '../../src/dhcp/packet.ts'
import { ASSIGNED, CLIENT_MAC, ip, mac, network, SERVER } from './builders.ts'
import { CAPTURED, type CapturedPacket } from './fixtures/client-packets.ts'

const bytesOf = ({ hex }: CapturedPacket) => Uint8Array.from(Buffer.from(hex, 'hex'))

describe.each(Object.entries<CapturedPacket>(CAPTURED))('%s', (_, captured) => {
  const decoded = decodePacket(bytesOf(captured))

  test('is decoded with its message type', () => {
    expect(getOption(decoded.options, 'messageType')).toBe(captured.messageType)
    expect(decoded.op).toBe('BOOTREQUEST')
  })

  test('reads back as it was when it is encoded again', () => {
    expect(decodePacket(encodePacket(decoded))).toEqual(decoded)
  })

  test('shows the state that its client was in', () => {
    const arrival = { destinationAddress: ip(captured.destination) }

    const decision = decideReply(decoded, ASSIGNED, network(), arrival)

    if (captured.state === undefined) {
      expect(decision).toEqual({ type: 'silent', reason: 'unsupported-message-type' })
    } else {
      expect(decision).toMatchObject({
        type: 'reply',
        messageType: captured.state === 'init' ? 'OFFER' : 'ACK',
        clientState: captured.state,
        address: ASSIGNED,
      })
    }
  })
})

test('what udhcpc says when it selects an offer', () => {
  const { options, ...header } = decodePacket(bytesOf(CAPTURED.udhcpcSelecting))

  expect(clientMacAddress({ options, ...header })).toBe(CLIENT_MAC)
  expect(getOption(options, 'requestedAddress')).toBe(ASSIGNED)
  expect(getOption(options, 'serverIdentifier')).toBe(SERVER)
  expect(getOption(options, 'maxMessageSize')).toBe(576)
  expect(getOption(options, 'parameterRequestList')).toEqual([1, 3, 6, 12, 15, 28, 42])
  expect(getOption(options, 'hostName')).toBe('test-vm')
  expect(getOption(options, 'vendorClass')).toBe('udhcp 1.35.0')
  expect(getOption(options, 'clientIdentifier')).toEqual(Uint8Array.of(1, 0xca, 0x70, 0x82, 0xe6, 0x84, 0x6e))
})

test('dhcpcd sends the requested address before the message type, and the domain search among its wishes', () => {
  const { options } = decodePacket(bytesOf(CAPTURED.dhcpcdSelecting))

  expect([...options.keys()].slice(0, 2)).toEqual([50, 53])
  expect(getOption(options, 'parameterRequestList')).toContain(119)
})

test('perfdhcp, as a relay, sends 262 bytes and its own address as giaddr', () => {
  const decoded = decodePacket(bytesOf(CAPTURED.perfdhcpDiscover))

  expect(decoded).toMatchObject({ giaddr: ip('192.168.48.2'), hops: 1 })
  expect(clientMacAddress(decoded)).toBe(mac('00:0c:01:02:03:04'))
})
