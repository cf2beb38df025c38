import { expect, test } from 'vitest'
import { type ClientHabits, HABITS } from '../../../simulations/clients/habits.ts'
import { minutes, seconds } from '../../../src/api/values/time.ts'
import { decodePacket } from '../../../src/dhcp/decode-packet.ts'
import { getOption, type OptionName } from '../../../src/dhcp/options.ts'
import type { DhcpPacket } from '../../../src/dhcp/packet.ts'
import { ip } from '../../dhcp/builders.ts'
import { CAPTURED, type CapturedPacket } from '../../dhcp/fixtures/client-packets.ts'
import { describeRequest, Lab } from './lab.ts'

const TELLS_STATE: readonly OptionName[] = [
  'messageType',
  'serverIdentifier',
  'parameterRequestList',
  'maxMessageSize',
]

const REAL: readonly (readonly [string, ClientHabits, CapturedPacket])[] = [
  ['udhcpc', HABITS.udhcpc, CAPTURED.udhcpcDiscover],
  ['udhcpc', HABITS.udhcpc, CAPTURED.udhcpcSelecting],
  ['udhcpc', HABITS.udhcpc, CAPTURED.udhcpcRenewing],
  ['udhcpc', HABITS.udhcpc, CAPTURED.udhcpcRebinding],
  ['udhcpc', HABITS.udhcpc, CAPTURED.udhcpcRelease],
  ['dhclient', HABITS.dhclient, CAPTURED.dhclientDiscover],
  ['dhclient', HABITS.dhclient, CAPTURED.dhclientSelecting],
  ['dhclient', HABITS.dhclient, CAPTURED.dhclientRenewing],
  ['dhclient', HABITS.dhclient, CAPTURED.dhclientInitReboot],
  ['dhclient', HABITS.dhclient, CAPTURED.dhclientRelease],
  ['dhcpcd', HABITS.dhcpcd, CAPTURED.dhcpcdDiscover],
  ['dhcpcd', HABITS.dhcpcd, CAPTURED.dhcpcdSelecting],
  ['dhcpcd', HABITS.dhcpcd, CAPTURED.dhcpcdRenewing],
  ['dhcpcd', HABITS.dhcpcd, CAPTURED.dhcpcdInitReboot],
]

test.each(REAL)('%s says what the real one was seen to say', async (_, habits, captured) => {
  const real = decodePacket(bytesOf(captured))
  const kind = describeRequest(real, ip(captured.destination))
  const lab = new Lab(habits)

  await live(lab)

  const simulated = lab.sent.find(({ packet, to }) => describeRequest(packet, to) === kind)
  expect(simulated?.to).toBe(ip(captured.destination))
  expect(simulated && shape(simulated.packet)).toEqual(shape(real))
})

test('udhcpc names its MAC as client identifier, as the real one does', async () => {
  const real = decodePacket(bytesOf(CAPTURED.udhcpcDiscover))
  const lab = new Lab(HABITS.udhcpc)

  await live(lab)

  const identifier = ({ options }: DhcpPacket) => getOption(options, 'clientIdentifier')
  expect(lab.sent.map(({ packet }) => identifier(packet))).toEqual(lab.sent.map(() => identifier(real)))
})

test('systemd-networkd names a DUID, made of its MAC', async () => {
  const lab = new Lab(HABITS.networkd)

  await live(lab)

  const identifier = getOption(lab.sent[0]?.packet.options ?? new Map(), 'clientIdentifier') ?? []
  expect(Buffer.from(identifier).toString('hex')).toBe('ff82e6846e00020000ab110000ca7082e6846e')
})

function bytesOf({ hex }: CapturedPacket): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

/** Gets a lease, renews it, reboots, loses the server and gets it back, and releases. */
async function live(lab: Lab): Promise<void> {
  await lab.pass(seconds(160))
  await lab.reboot()
  await lab.pass(seconds(2))
  lab.serving = false
  await lab.pass(seconds(299))
  lab.serving = true
  await lab.pass(minutes(3))
  lab.client.release()
}

/** What a server goes by, and what does not depend on the run. */
function shape(packet: DhcpPacket) {
  const { op, htype, hlen, hops, flags, giaddr, options } = packet
  const told = TELLS_STATE.map((name) => [name, getOption(options, name)])
  const asks = getOption(options, 'requestedAddress') !== undefined
  return { op, htype, hlen, hops, flags, giaddr, hasAddress: packet.ciaddr !== 0, asks, told }
}
