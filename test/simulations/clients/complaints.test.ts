import { expect, test } from 'vitest'
import { HABITS } from '../../../simulations/clients/habits.ts'
import { seconds } from '../../../src/api/values/time.ts'
import type { OptionValues } from '../../../src/dhcp/options.ts'
import type { DhcpPacket } from '../../../src/dhcp/packet.ts'
import { ip } from '../../dhcp/builders.ts'
import { Lab, typeOf } from './lab.ts'

interface Case {
  readonly flaw: string
  readonly text: string
  readonly options?: Partial<OptionValues>
  /** Codes that are left out. */
  readonly without?: readonly number[]
  readonly changes?: Partial<DhcpPacket>
}

const FLAWS: readonly Case[] = [
  { flaw: 'has no server identifier', without: [54], text: 'no server identifier' },
  { flaw: 'has no lease time', without: [51], text: 'no lease time' },
  { flaw: 'gives a lease of no time', options: { leaseTime: 0 }, text: 'a lease time of 0 s' },
  { flaw: 'gives no address', changes: { yiaddr: ip('0.0.0.0') }, text: 'no address' },
  { flaw: 'has no subnet mask', without: [1], text: 'no subnet mask' },
  {
    flaw: "is for another router's subnet",
    options: { routers: [ip('192.168.49.1')] },
    text: '192.168.48.84 and the router 192.168.49.1 are not in one subnet',
  },
  {
    flaw: "gives the subnet's own address",
    options: { subnetMask: ip('255.255.255.252'), routers: [ip('192.168.48.85')] },
    text: "192.168.48.84 is no host's address under the mask 255.255.255.252",
  },
  {
    flaw: 'has T2 after the end of the lease',
    options: { renewalTime: 150, rebindingTime: 301 },
    text: 'T1 150 s, T2 301 s and a lease of 300 s',
  },
]

test.each(FLAWS)('an OFFER that $flaw is complained of, and not taken', async ({ text, ...flaw }) => {
  const lab = new Lab(HABITS.dhclient)
  lab.server = (request) => spoil(lab, request, 'OFFER', flaw)

  await lab.pass(seconds(1))

  expect(lab.events('complaint')).toEqual([{ type: 'complaint', text: `OFFER: ${text}` }])
  expect(lab.client.state()).toBe('SELECTING')
})

test.each([
  ...FLAWS.filter(({ flaw }) => flaw !== 'gives no address'),
  {
    flaw: 'is for another address than was asked for',
    changes: { yiaddr: ip('192.168.48.86') },
    text: '192.168.48.86 instead of 192.168.48.84',
  },
  {
    flaw: 'is from another server than was asked',
    options: { serverIdentifier: ip('192.168.48.78') },
    text: 'from 192.168.48.78 instead of 192.168.48.77',
  },
] satisfies Case[])('an ACK that $flaw is complained of, and gives no lease', async ({ text, ...flaw }) => {
  const lab = new Lab(HABITS.dhclient)
  lab.server = (request) => {
    if (typeOf(request) === 'DISCOVER') lab.reply(request, { messageType: 'OFFER' })
    else spoil(lab, request, 'ACK', flaw)
  }

  await lab.pass(seconds(1))

  expect(lab.events('complaint')).toEqual([{ type: 'complaint', text: `ACK: ${text}` }])
  expect(lab.client.lease()).toBeUndefined()
})

test('a NAK that carries an address is complained of, and obeyed', async () => {
  const lab = new Lab(HABITS.dhclient)
  await lab.pass(seconds(2))
  lab.server = (request) => lab.reply(request, { messageType: 'NAK' })

  await lab.pass(seconds(150))

  expect(lab.events('complaint')).toMatchObject([{ text: 'NAK: it carries the address 192.168.48.84' }])
  expect(lab.events('lost')).toMatchObject([{ why: 'nak' }])
})

test('a NAK of nobody is complained of, and not obeyed', async () => {
  const lab = new Lab(HABITS.dhclient)
  await lab.pass(seconds(2))
  lab.server = (request) => spoil(lab, request, 'NAK', { without: [54] })

  await lab.pass(seconds(150))

  expect(lab.events('complaint')[0]).toMatchObject({ text: 'NAK: no server identifier' })
  expect(lab.events('lost')).toEqual([])
})

test('a NAK of a server that was not asked is not obeyed', async () => {
  const lab = new Lab(HABITS.dhclient)
  await lab.pass(seconds(2))
  const serverIdentifier = ip('192.168.48.78')
  lab.server = (request) =>
    lab.reply(request, { messageType: 'NAK', serverIdentifier }, { yiaddr: ip('0.0.0.0') })

  await lab.pass(seconds(150))

  expect(lab.client.state()).toBe('RENEWING')
  expect(lab.events('complaint', 'lost')).toEqual([])
})

function spoil(
  lab: Lab,
  request: DhcpPacket,
  messageType: 'OFFER' | 'ACK' | 'NAK',
  { options = {}, without = [], changes = {} }: Omit<Case, 'flaw' | 'text'>,
): void {
  const yiaddr = messageType === 'NAK' ? { yiaddr: ip('0.0.0.0') } : {}
  lab.reply(request, { messageType, ...options }, { ...yiaddr, ...changes }, without)
}
