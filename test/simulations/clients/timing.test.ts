import { expect, test } from 'vitest'
import { HABITS } from '../../../simulations/clients/habits.ts'
import { formatIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { minutes, seconds } from '../../../src/api/values/time.ts'
import type { DhcpPacket } from '../../../src/dhcp/packet.ts'
import { Lab, typeOf } from './lab.ts'

test('a client without an answer waits twice as long each time, up to a minute (RFC 2131 §4.1)', async () => {
  const lab = new Lab(HABITS.dhclient)
  lab.serving = false

  await lab.pass(minutes(10))

  const waits = lab.sent.slice(1).map(({ at }, index) => (at - (lab.sent[index]?.at ?? 0)) / 1000)
  const expected = [4, 8, 16, 32, 64, 64, 64]
  for (const [index, wait] of expected.entries()) {
    expect(Math.abs((waits[index] ?? 0) - wait), `wait ${index}`).toBeLessThanOrEqual(1)
  }
})

test('udhcpc without an answer asks thrice and pauses', async () => {
  const lab = new Lab(HABITS.udhcpc)
  lab.serving = false

  await lab.pass(seconds(60))

  const start = lab.sent[0]?.at ?? 0
  expect(lab.sent.map(({ at }) => (at - start) / 1000)).toEqual([0, 3, 6, 29, 32, 35, 58])
})

test('udhcpc renews once at each half of what is left of its lease, then broadcasts thrice and gives up', async () => {
  const lab = new Lab(HABITS.udhcpc)
  await lab.pass(seconds(1))
  const since = lab.client.lease()?.since ?? 0
  lab.serving = false

  await lab.pass(seconds(299))

  const tries = lab.sent.slice(2).map(({ at }, index) => {
    return `${Math.floor((at - since) / 1000)} ${lab.asked()[index + 2]}`
  })
  expect(tries).toEqual([
    '150 REQUEST renewing',
    '226 REQUEST renewing',
    '264 REQUEST renewing',
    '283 REQUEST renewing',
    '286 REQUEST rebinding',
    '289 REQUEST rebinding',
    '292 REQUEST rebinding',
    '295 DISCOVER',
    '298 DISCOVER',
  ])
})

test('systemd-networkd renews at T1 and after half of what is left until T2, at least a minute (RFC 2131 §4.4.5)', async () => {
  const lab = new Lab(HABITS.networkd, { leaseSeconds: 3600 })
  await lab.pass(seconds(1))
  const since = lab.client.lease()?.since ?? 0
  lab.serving = false

  await lab.pass(seconds(3598))

  const tries = lab.sent.slice(2).map(({ at, to }) => {
    return `${Math.round((at - since) / 1000)} ${formatIPv4Address(to)}`
  })
  expect(tries).toEqual([
    '1800 192.168.48.77',
    '2475 192.168.48.77',
    '2813 192.168.48.77',
    '2981 192.168.48.77',
    '3066 192.168.48.77',
    '3126 192.168.48.77',
    '3150 255.255.255.255',
    '3375 255.255.255.255',
    '3488 255.255.255.255',
    '3548 255.255.255.255',
  ])
})

test('T1 and T2 are as the server says, but for udhcpc', async () => {
  const told = { renewalTime: 20, rebindingTime: 40 }
  const renewedAt = async (habits: (typeof HABITS)[keyof typeof HABITS]) => {
    const lab = new Lab(habits)
    lab.server = (request) =>
      lab.reply(request, { ...told, messageType: typeOf(request) === 'DISCOVER' ? 'OFFER' : 'ACK' })
    await lab.pass(seconds(2))
    const { renewAt = 0, since = 0 } = lab.client.lease() ?? {}
    return (renewAt - since) / 1000
  }

  expect(await renewedAt(HABITS.dhcpcd)).toBe(20)
  expect(await renewedAt(HABITS.udhcpc)).toBe(150)
})

test('a lease of one second is renewed twice a second, not without a pause', async () => {
  const lab = new Lab(HABITS.dhclient, { leaseSeconds: 1 })
  await lab.pass(seconds(1))

  await lab.pass(seconds(10))

  expect(lab.events('renewed').length).toBeLessThan(25)
  expect(lab.events('lost')).toEqual([])
})

test('a lease without end is never renewed (RFC 2131 §3.3)', async () => {
  const lab = new Lab(HABITS.dhclient, { leaseSeconds: 0xffffffff })

  await lab.pass(minutes(600))

  expect(lab.sent).toHaveLength(2)
  expect(lab.clock.pending).toBe(0)
  expect(lab.events('bound')).toMatchObject([{ until: Number.POSITIVE_INFINITY }])
})

test('an ACK of a REQUEST that was sent twice counts from the first', async () => {
  const lab = new Lab(HABITS.dhclient)
  let first: DhcpPacket | undefined
  lab.server = (request) => {
    if (typeOf(request) === 'DISCOVER') lab.reply(request, { messageType: 'OFFER' })
    else if (first === undefined) first = request
    else lab.reply(request, { messageType: 'ACK' })
  }

  await lab.pass(seconds(8))

  expect(lab.asked()).toEqual(['DISCOVER', 'REQUEST selecting', 'REQUEST selecting'])
  expect(lab.client.lease()?.since).toBe(lab.sent[1]?.at)
})

test('a late ACK counts from the renewal that it answers, not from the last one', async () => {
  const lab = new Lab(HABITS.dhclient)
  await lab.pass(seconds(2))
  const renewals: DhcpPacket[] = []
  lab.server = (request) => {
    renewals.push(request)
    const [first] = renewals
    if (renewals.length === 3 && first !== undefined) lab.reply(first, { messageType: 'ACK' })
  }

  await lab.pass(seconds(170))

  expect(lab.asked().slice(2)).toEqual(Array(3).fill('REQUEST renewing'))
  expect(lab.events('renewed')).toMatchObject([{ since: lab.sent[2]?.at }])
})

test.each([
  ['the ACK that bound it', 2],
  ['the ACK of the renewal before', 160],
])('a copy of %s that comes during a renewal is not taken for its answer', async (_, served) => {
  const lab = new Lab(HABITS.udhcpc)
  lab.fate = ({ payload }) => [
    { extra: seconds(0), payload },
    { extra: seconds(151), payload },
  ]
  await lab.pass(seconds(served))
  const renewals = lab.events('renewed').length

  lab.serving = false
  await lab.pass(seconds(served === 2 ? 150 : 142))

  expect(lab.client.state()).toBe('RENEWING')
  expect(lab.events('received').at(-1)).toMatchObject({ messageType: 'ACK', heeded: false })
  expect(lab.events('renewed')).toHaveLength(renewals)
})
