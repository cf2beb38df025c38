import { expect, test } from 'vitest'
import { createChance } from '../../../simulations/world/chance.ts'
import { installGlobals, RealWorldError } from '../../../simulations/world/globals.ts'
import { newLife } from '../../../simulations/world/life.ts'
import { Scheduler } from '../../../simulations/world/scheduler.ts'

const EPOCH = Date.UTC(2030, 0, 1)

function inSimulation<T>(look: () => T): T {
  const scheduler = new Scheduler(createChance(1, 'order'), newLife('outside'))
  const restore = installGlobals(scheduler, createChance(1, 'globals'), EPOCH)
  try {
    return look()
  } finally {
    restore()
  }
}

test('every way to ask for the date tells simulated time', () => {
  const told = inSimulation(() => [Date.now(), Date.parse(new Date().toISOString()), Date.parse(Date())])
  expect(told).toEqual([EPOCH, EPOCH, EPOCH])
})

test('a date that is given is that date, and a date', () => {
  const given = inSimulation(() => new Date(5))
  expect(given.getTime()).toBe(5)
  expect(given).toBeInstanceOf(Date)
})

test.each<[string, () => unknown]>([
  ['performance.now', () => performance.now()],
  ['process.hrtime', () => process.hrtime()],
  ['process.uptime', () => process.uptime()],
  ['setInterval', () => setInterval(() => {}, 1_000)],
  ['crypto.randomUUID', () => crypto.randomUUID()],
  ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(1))],
])('%s is refused', (name, ask) => {
  expect(() => inSimulation(ask)).toThrow(RealWorldError)
  expect(() => inSimulation(ask)).toThrow(name)
})

test('afterwards everything is as it was', () => {
  const before = [Date, Math.random, performance.now, process.hrtime, setInterval, crypto.randomUUID]
  inSimulation(() => {})
  expect([Date, Math.random, performance.now, process.hrtime, setInterval, crypto.randomUUID]).toEqual(before)
  expect(Object.hasOwn(performance, 'now')).toBe(false)
})
