import { describe, expect, test } from 'vitest'
import { LIMITED_BROADCAST_ADDRESS } from '../../src/api/values/ipv4-address.ts'
import { type Binding, decideReply } from '../../src/dhcp/decide.ts'
import { replyDestination } from '../../src/dhcp/destination.ts'
import { BROADCAST_FLAG, type DhcpPacket } from '../../src/dhcp/packet.ts'
import {
  ASSIGNED,
  BROADCAST,
  CLIENT_MAC,
  discover,
  initReboot,
  ip,
  network,
  renewing,
  selecting,
} from './builders.ts'

const RELAY = ip('192.168.48.2')
const VICTIM = ip('203.0.113.9')

function destinationOf(request: DhcpPacket, binding: Binding = ASSIGNED) {
  const decision = decideReply(request, binding, network(), BROADCAST)
  if (decision.type === 'silent') throw new Error(`no reply: ${decision.reason}`)
  return replyDestination(request, decision.packet)
}

describe('where a reply goes (RFC 2131 §4.1)', () => {
  const toRelay = { address: RELAY, port: 67 }
  const toAll = { address: LIMITED_BROADCAST_ADDRESS, port: 68 }
  const toHardware = { ...toAll, hardwareUnicast: { mac: CLIENT_MAC, address: ASSIGNED } }

  test.each([
    ['giaddr: to the relay’s server port', discover({ giaddr: RELAY }), ASSIGNED, toRelay],
    ['giaddr comes before ciaddr', renewing(ASSIGNED, { giaddr: RELAY }), ASSIGNED, toRelay],
    ['a NAK with giaddr: to the relay', initReboot(ASSIGNED, { giaddr: RELAY }), 'revoked', toRelay],
    ['ciaddr: to the client', renewing(ASSIGNED), ASSIGNED, { address: ASSIGNED, port: 68 }],
    ['a NAK with ciaddr: to all', renewing(ASSIGNED), 'revoked', toAll],
    ['a NAK: to all', initReboot(ASSIGNED), 'revoked', toAll],
    ['the broadcast flag: to all', discover({ flags: BROADCAST_FLAG }), ASSIGNED, toAll],
    ['no flag, OFFER: to the hardware address, or to all', discover(), ASSIGNED, toHardware],
    ['no flag, ACK: to the hardware address, or to all', selecting(ASSIGNED), ASSIGNED, toHardware],
  ] as const)('%s', (_, request, binding, destination) => {
    expect(destinationOf(request, binding)).toEqual(destination)
  })

  test('a forged ciaddr in a DISCOVER does not send the OFFER to an outsider', () => {
    expect(destinationOf(discover({ ciaddr: VICTIM }))).toEqual(toHardware)
  })
})
