import { expect, test } from 'vitest'
import { createChance } from '../../../simulations/world/chance.ts'
import { GuestClock } from '../../../simulations/world/guest-clock.ts'
import { newLife } from '../../../simulations/world/life.ts'
import { EPOCH } from '../../../simulations/world/machine.ts'
import { Scheduler } from '../../../simulations/world/scheduler.ts'
import { toInstant } from '../../../src/api/values/time.ts'

function setUp() {
  const scheduler = new Scheduler(createChance(1, 'order'), newLife('outside'))
  const pass = (count: number) =>
    scheduler.runUntil(
      scheduler.now + count,
      (action) => setImmediate(action),
      () => false,
    )
  return { scheduler, clock: new GuestClock(scheduler), pass }
}

test('while a guest is suspended no timer of it comes, and its clock stands', async () => {
  const { clock, pass } = setUp()
  let came = false
  clock.after(1_000, () => {
    came = true
  })
  await pass(400)
  clock.stand()
  await pass(60_000)

  expect(came).toBe(false)
  expect(clock.now()).toBe(EPOCH + 400)
})

test('a clock that stood still goes on as if no time had passed: timers wait for what was left of them', async () => {
  const { scheduler, clock, pass } = setUp()
  let came: number | undefined
  clock.after(1_000, () => {
    came = scheduler.now
  })
  await pass(400)
  clock.stand()
  await pass(60_000)
  clock.goOn('stood-still')
  await pass(5_000)

  expect(came).toBe(61_000)
  expect(clock.now()).toBe(EPOCH + 5_400)
})

test('a clock that is put right shows the true time, and what fell due meanwhile comes at once', async () => {
  const { scheduler, clock, pass } = setUp()
  let came: number | undefined
  clock.after(1_000, () => {
    came = scheduler.now
  })
  await pass(400)
  clock.stand()
  await pass(60_000)
  clock.goOn('put-right')
  await pass(5_000)

  expect(came).toBe(60_400)
  expect(clock.now()).toBe(EPOCH + 65_400)
})

test('a timer that was cancelled does not come back with the guest', async () => {
  const { clock, pass } = setUp()
  let came = false
  const cancel = clock.after(1_000, () => {
    came = true
  })
  clock.stand()
  cancel()
  clock.goOn('put-right')
  await pass(5_000)

  expect(came).toBe(false)
})

test('what a clock showed is told by true time, before it stood still and after', async () => {
  const { clock, pass } = setUp()
  await pass(400)
  clock.stand()
  await pass(60_000)
  clock.goOn('stood-still')
  await pass(100)

  expect(clock.trueTime(toInstant(EPOCH + 300))).toBe(EPOCH + 300)
  expect(clock.trueTime(clock.now())).toBe(EPOCH + 60_500)
})

test('the clock of a snapshot stands where it stood then', async () => {
  const { scheduler, clock, pass } = setUp()
  await pass(400)
  const restored = new GuestClock(scheduler, clock.reading())
  await pass(10_000)

  expect(restored.now()).toBe(EPOCH + 400)
  restored.goOn('stood-still')
  expect(restored.now()).toBe(EPOCH + 400)
  expect(restored.trueTime(toInstant(EPOCH + 500))).toBe(EPOCH + 10_500)
})
