import { describe, expect, test } from 'vitest'
import { HABITS } from '../../../simulations/clients/habits.ts'
import { minutes, seconds } from '../../../src/api/values/time.ts'
import { getOption } from '../../../src/dhcp/options.ts'
import { BROADCAST_FLAG, clientMacAddress } from '../../../src/dhcp/packet.ts'
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
