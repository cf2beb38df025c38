import { expect, test } from 'vitest'
import { createChance } from '../../../simulations/world/chance.ts'
import { newLife } from '../../../simulations/world/life.ts'
import { EPOCH, Machine } from '../../../simulations/world/machine.ts'
import { Scheduler } from '../../../simulations/world/scheduler.ts'
import { milliseconds } from '../../../src/api/values/time.ts'

function setUp() {
  const scheduler = new Scheduler(createChance(1, 'order'), newLife('outside'))
  const pass = (count: number) =>
    scheduler.runUntil(
      scheduler.now + count,
      (action) => setImmediate(action),
      () => false,
    )
  return { machine: new Machine('agent-lan-1', scheduler), scheduler, pass }
}

test('a wall clock that is set jumps; the other one does not', async () => {
  const { machine, pass } = setUp()
  const { clock, monotonicClock } = machine.begin()
  await pass(1_000)
  machine.setWallClock(-5_000)

  expect(clock.now()).toBe(EPOCH - 4_000)
  expect(monotonicClock.now()).toBe(1_000)
  expect(machine.error).toBe(-5_000)
})

test('a clock that runs too fast shows more time, and its timers come too soon', async () => {
  const { machine, scheduler, pass } = setUp()
  const { clock } = machine.begin()
  machine.setRate(1.25)
  let came: number | undefined
  clock.after(milliseconds(1_000), () => {
    came = scheduler.now
  })
  await pass(2_000)

  expect(clock.now()).toBe(EPOCH + 2_500)
  expect(came).toBe(800)
})

test('a process starts with the right time, whatever was done to the clock of the one before', async () => {
  const { machine, pass } = setUp()
  machine.begin()
  machine.setWallClock(60_000)
  machine.kill()
  await pass(500)

  expect(machine.begin().clock.now()).toBe(EPOCH + 500)
})

test('a process that was killed is down, and one that is stopped does not count as up', () => {
  const { machine } = setUp()
  machine.begin()
  expect(machine.upSince).toBe(0)
  machine.pause(0)
  expect(machine.upSince).toBeUndefined()
  machine.resume()
  expect(machine.upSince).toBe(0)
  machine.kill()
  expect(machine.upSince).toBeUndefined()
})
