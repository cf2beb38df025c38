import { pino } from 'pino'
import { expect, test } from 'vitest'
import { answer } from '../../../actors/agent/answer.ts'
import type { DhcpEvent } from '../../../actors/agent/contracts.ts'
import { bindingOf, openLeaseTable } from '../../../actors/agent/lease-table.ts'
import { HABITS } from '../../../simulations/clients/habits.ts'
import { startLiar } from '../../../simulations/clients/liar.ts'
import { type Lie, tellLie } from '../../../simulations/clients/lies.ts'
import { milliseconds, minutes, seconds } from '../../../src/api/values/time.ts'
import { createMemorySegment } from '../../../transports/packets/memory.ts'
import { snapshot } from '../../actors/agent/builders.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { ADDRESS, Lab, MAC, SERVER } from './lab.ts'

const VICTIMS = [{ mac: MAC, address: ADDRESS }]

test('the agent answers lies in every way it knows, and no address changes its holder', () => {
  const table = openLeaseTable(snapshot(), 'read', undefined)
  const now = new ManualClock().now()

  const events = lies(3000)
    .flatMap(({ datagram }) => answer(table, datagram, now))
    .flatMap((effect) => (effect.type === 'publish' ? [effect.event] : []))

  expect(new Set(events.map(({ type }) => type))).toEqual(
    new Set<DhcpEvent['type']>(['offer', 'ack', 'nak', 'ignored', 'malformed']),
  )
  expect(bindingOf(table, MAC)).toBe(ADDRESS)
  expect(table.addresses.size).toBe(1)
})

test('lies are of many kinds, with and without a victim', () => {
  const kinds = new Set(lies(3000).map(({ text }) => text))

  expect(kinds.size).toBeGreaterThan(30)
  expect(lies(500, []).length).toBe(500)
})

test('the same chance tells the same lies', () => {
  expect(lies(200)).toEqual(lies(200))
})

test('a true client on the wire is not moved by lies in its name', async () => {
  const lab = new Lab(HABITS.dhclient)
  const random = seededRandom(7)
  await lab.pass(seconds(2))

  for (let count = 0; count < 2000; count++) {
    lab.say(tellLie({ random, server: SERVER, victims: VICTIMS }).datagram)
    await lab.pass(milliseconds(50))
  }
  await lab.pass(seconds(200))

  expect(lab.events('lost', 'complaint')).toEqual([])
  expect(lab.events('received').some(({ heeded }) => !heeded)).toBe(true)
  expect(lab.client.lease()?.address).toBe(ADDRESS)
})

test('a liar speaks every so often until it is stopped', async () => {
  const clock = new ManualClock()
  const wire = createMemorySegment()
  const log = pino({ level: 'silent' })
  const heard: string[] = []
  const packets = wire.attach({ port: 68, log })
  const liar = startLiar({
    packets,
    clock,
    random: seededRandom(1),
    everyMs: 500,
    known: () => VICTIMS,
    server: () => SERVER,
    observe: ({ text }) => heard.push(text),
  })

  await clock.advance(minutes(1))
  liar.stop()
  await clock.advance(minutes(1))

  expect(heard).toHaveLength(120)
  expect(packets.counters.sent).toBe(120)
  expect(clock.pending).toBe(0)
})

function lies(count: number, victims = VICTIMS): Lie[] {
  const random = seededRandom(3)
  return Array.from({ length: count }, () => tellLie({ random, server: SERVER, victims }))
}
