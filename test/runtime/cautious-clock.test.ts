import { expect, test } from 'vitest'
import { between, type Duration, milliseconds, minutes, seconds } from '../../src/api/values/time.ts'
import { createCautiousClock } from '../../src/runtime/cautious-clock.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { ManualClock } from '../support/manual-clock.ts'

function clocks() {
  const monotonic = new ManualClock()
  let ahead = 0
  const wall: Clock = {
    now: () => (monotonic.now() + ahead) as ReturnType<Clock['now']>,
    after: (delay, action) => monotonic.after(delay, action),
  }
  const cautious = createCautiousClock({ wall, monotonic, believedAfter: minutes(60) })
  const start = cautious.now()
  return {
    passed: () => between(start, cautious.now()),
    pass: (duration: Duration) => monotonic.advance(duration),
    set: (by: Duration) => {
      ahead += by
    },
  }
}

test('goes with the wall clock while nobody sets it', async () => {
  const { passed, pass } = clocks()
  await pass(seconds(90))
  expect(passed()).toBe(90_000)
})

test.each([
  ['forward', 3_600_000],
  ['back', -3_600_000],
])('does not follow a wall clock that is set %s by an hour, until it stays so for an hour', async (_, by) => {
  const { passed, pass, set } = clocks()
  set(milliseconds(by))

  expect(passed()).toBe(0)
  await pass(minutes(59))
  expect(passed()).toBe(59 * 60_000)
  await pass(minutes(2))
  expect(passed()).toBe(61 * 60_000 + by)
})

test('forgets a jump that is taken back', async () => {
  const { passed, pass, set } = clocks()
  set(minutes(10))
  await pass(minutes(40))
  expect(passed()).toBe(40 * 60_000)
  set(minutes(-10))
  await pass(minutes(40))
  expect(passed()).toBe(80 * 60_000)
})

test('follows a correction of a second, and does not go back for one', async () => {
  const { passed, set } = clocks()
  set(seconds(1))
  expect(passed()).toBe(1_000)
  set(seconds(-1))
  expect(passed()).toBe(1_000)
})
