import { describe, expect, test } from 'vitest'
import { HABITS } from '../../../simulations/clients/habits.ts'
import { formatIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { minutes, seconds } from '../../../src/api/values/time.ts'
import { getOption } from '../../../src/dhcp/options.ts'
import { BROADCAST_FLAG, clientMacAddress, type DhcpPacket } from '../../../src/dhcp/packet.ts'
import { ip } from '../../dhcp/builders.ts'
import { ADDRESS, Lab, MAC, SERVER, typeOf } from './lab.ts'

const ALL = Object.entries(HABITS)

describe.each(ALL)('%s', (_, habits) => {
  test('gets the address of its MAC: DISCOVER, OFFER, REQUEST, ACK', async () => {
    const lab = new Lab(habits)

    await lab.pass(seconds(2))

    expect(lab.asked()).toEqual(['DISCOVER', 'REQUEST selecting'])
    expect(lab.client.state()).toBe('BOUND')
    expect(lab.client.lease()).toMatchObject({ address: ADDRESS, server: SERVER, leaseSeconds: 300 })
    expect(lab.events('complaint')).toEqual([])
  })

  test('its lease counts from the moment in which the REQUEST was sent (RFC 2131 §4.4.1)', async () => {
    const lab = new Lab(habits)

    await lab.pass(seconds(2))

    const requestedAt = lab.sent[1]?.at
    const [bound] = lab.events('bound')
    expect(bound?.since).toBe(requestedAt)
    expect(bound && bound.until - bound.since).toBe(300_000)
    expect(lab.client.lease()?.acknowledgedAt).toBe((requestedAt ?? 0) + 2)
  })

  test('asks its server alone to renew, at half of the lease, from its own address', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))

    await lab.pass(seconds(150))

    const renewal = lab.sent[2]
    expect(lab.asked().slice(2)).toEqual(['REQUEST renewing'])
    expect(renewal).toMatchObject({ to: SERVER, from: ADDRESS })
    expect(renewal?.packet).toMatchObject({ ciaddr: ADDRESS })
    expect(getOption(renewal?.packet.options ?? new Map(), 'requestedAddress')).toBeUndefined()
    expect(lab.events('renewed')).toMatchObject([{ address: ADDRESS, since: renewal?.at }])
    expect(lab.client.state()).toBe('BOUND')
  })

  test('keeps its address for days, by renewals alone', async () => {
    const lab = new Lab(habits)

    await lab.pass(minutes(60))

    expect(lab.asked().filter((kind) => kind !== 'REQUEST renewing')).toEqual([
      'DISCOVER',
      'REQUEST selecting',
    ])
    expect(lab.events('lost')).toEqual([])
  })

  test('keeps its address while no server answers, as long as the lease is, and no longer', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))
    const until = lab.client.lease()?.expiresAt ?? 0
    lab.serving = false

    await lab.pass(seconds(260))
    expect(lab.client.lease()?.address).toBe(ADDRESS)

    await lab.pass(minutes(5))
    const lost = lab.told.filter(({ event }) => event.type === 'lost')
    expect(lost.map(({ event }) => event)).toEqual([{ type: 'lost', address: ADDRESS, why: 'expired' }])
    expect(lost[0]?.at).toBeLessThanOrEqual(until)
    expect(lost[0]?.at).toBeGreaterThan(until - 30_000)
    expect(lab.client.lease()).toBeUndefined()
    expect(lab.asked()).toContain('REQUEST rebinding')
  })

  test('survives a server that is away over T1, and tells no loss', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))
    lab.serving = false
    await lab.pass(seconds(200))

    lab.serving = true
    await lab.pass(seconds(95))

    expect(lab.events('lost')).toEqual([])
    expect(lab.events('renewed').length).toBeGreaterThan(0)
  })

  test('comes back by itself when servers were away for longer than its lease', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))
    lab.serving = false
    await lab.pass(minutes(20))

    lab.serving = true
    await lab.pass(seconds(90))

    expect(lab.client.state()).toBe('BOUND')
  })

  test('is told in its renewal that the address is not its own, stops using it at once, and takes the new one', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))

    lab.move('192.168.48.85')
    await lab.pass(seconds(160))

    expect(lab.events('lost')).toEqual([{ type: 'lost', address: ADDRESS, why: 'nak' }])
    expect(lab.client.lease()?.address).toBe(ip('192.168.48.85'))
    expect(lab.events('complaint')).toEqual([])
  })

  test('gives its address back, is silent then, and begins again when it is told to', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))

    lab.client.release()
    expect(lab.client.state()).toBe('RELEASED')
    await lab.pass(minutes(10))
    expect(lab.asked().slice(2)).toEqual(['RELEASE'])
    expect(lab.sent[2]).toMatchObject({ to: SERVER, from: ADDRESS, packet: { ciaddr: ADDRESS } })
    expect(lab.events('lost')).toEqual([{ type: 'lost', address: ADDRESS, why: 'released' }])
    expect(lab.disk).toEqual({})

    lab.client.restart()
    await lab.pass(seconds(2))
    expect(lab.asked().slice(3)).toEqual(['DISCOVER', 'REQUEST selecting'])
  })

  test('sends nothing when its power is cut, has no timer left, and hears nothing', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))

    lab.client.stop()
    await lab.pass(minutes(20))

    expect(lab.sent).toHaveLength(2)
    expect(lab.clock.pending).toBe(0)
    expect(lab.client.state()).toBe('STOPPED')
    expect(lab.events('lost')).toEqual([{ type: 'lost', address: ADDRESS, why: 'stopped' }])
  })

  test('is bound once by an ACK that comes twice', async () => {
    const lab = new Lab(habits)
    lab.fate = ({ payload }) => [
      { extra: seconds(0), payload },
      { extra: seconds(1), payload },
    ]

    await lab.pass(seconds(10))

    expect(lab.events('bound')).toHaveLength(1)
    expect(lab.events('complaint')).toEqual([])
    expect(lab.events('received').some(({ heeded }) => !heeded)).toBe(true)
  })

  test('has its MAC in every message, and asks for broadcasts only when that is its habit', async () => {
    const lab = new Lab(habits)

    await lab.pass(minutes(5))

    const flags = habits.broadcastFlag ? BROADCAST_FLAG : 0
    expect(lab.sent.length).toBeGreaterThan(2)
    for (const { packet } of lab.sent) {
      expect(packet).toMatchObject({ op: 'BOOTREQUEST', flags, giaddr: 0 })
      expect(clientMacAddress(packet)).toBe(MAC)
    }
  })
})

describe.each([
  ['dhclient', HABITS.dhclient],
  ['dhcpcd', HABITS.dhcpcd],
])('%s after a reboot', (_, habits) => {
  test('asks for the address that its disk remembers, and names no server', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))

    await lab.reboot()
    expect(lab.client.state()).toBe('INIT-REBOOT')
    await lab.pass(seconds(2))

    expect(lab.asked().slice(2)).toEqual(['REQUEST init-reboot'])
    expect(lab.client.lease()?.address).toBe(ADDRESS)
  })

  test('does not use the address before it is confirmed, and begins anew when nobody answers', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))
    lab.serving = false

    await lab.reboot()
    await lab.pass(seconds(30))

    expect(lab.client.lease()).toBeUndefined()
    expect(lab.asked().slice(2)).toContain('DISCOVER')
  })

  test('is told when the address is another one now, and forgets the old one', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))
    lab.move('192.168.48.85')

    await lab.reboot()
    await lab.pass(seconds(5))

    expect(lab.client.lease()?.address).toBe(ip('192.168.48.85'))
    expect(lab.disk.lease?.address).toBe(ip('192.168.48.85'))
    expect(lab.events('lost')).toEqual([{ type: 'lost', address: ADDRESS, why: 'stopped' }])
  })

  test('does not ask for a lease that ran out while it was off', async () => {
    const lab = new Lab(habits)
    await lab.pass(seconds(2))
    lab.client.stop()
    await lab.pass(minutes(6))

    await lab.reboot()
    await lab.pass(seconds(2))

    expect(lab.asked().slice(2)).toEqual(['DISCOVER', 'REQUEST selecting'])
  })
})

test.each([
  ['udhcpc', HABITS.udhcpc],
  ['systemd-networkd', HABITS.networkd],
])('%s remembers nothing over a reboot', async (_, habits) => {
  const lab = new Lab(habits)
  await lab.pass(seconds(2))

  await lab.reboot()
  await lab.pass(seconds(2))

  expect(lab.disk).toEqual({})
  expect(lab.asked().slice(2)).toEqual(['DISCOVER', 'REQUEST selecting'])
})

test('an address that was not refused is wished for in the next DISCOVER', async () => {
  const lab = new Lab(HABITS.dhclient)
  await lab.pass(seconds(2))
  lab.serving = false

  await lab.pass(minutes(6))

  const discover = lab.sent.map(({ packet }) => packet).findLast((packet) => typeOf(packet) === 'DISCOVER')
  expect(getOption(discover?.options ?? new Map(), 'requestedAddress')).toBe(ADDRESS)
})

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

test('what is heard counts for nothing when it is for another MAC, or damaged', async () => {
  const lab = new Lab(HABITS.dhclient)
  lab.server = (request) => {
    const stranger = request.chaddr.slice()
    stranger[5] = 0
    lab.reply(request, { messageType: 'OFFER' }, { chaddr: stranger })
    lab.broadcast(Uint8Array.of(2, 1, 6))
  }

  await lab.pass(seconds(1))

  expect(lab.client.state()).toBe('SELECTING')
  expect(lab.client.ignored).toEqual({ corrupt: 1, foreign: 1 })
  expect(lab.events('received', 'complaint')).toEqual([])
})

test.each(ALL)('%s does the same again for the same chance and time', async (_, habits) => {
  const live = async (seed: number) => {
    const lab = new Lab(habits, { seed })
    lab.serving = false
    await lab.pass(minutes(2))
    lab.serving = true
    await lab.pass(minutes(10))
    return { told: lab.told, sent: lab.sent }
  }

  expect(await live(5)).toEqual(await live(5))
  expect(await live(5)).not.toEqual(await live(6))
})
