import { expect, test } from 'vitest'
import { createCautiousClock } from '../../src/runtime/cautious-clock.ts'
import { monotonicClock, systemClock } from '../../src/runtime/system-clock.ts'

test.each([
  ['the wall clock', systemClock],
  ['the clock that nobody can set', monotonicClock],
  ['the clock that is made of both', createCautiousClock({ wall: systemClock, monotonic: monotonicClock })],
])('%s tells whole milliseconds', (_, clock) => {
  const readings = Array.from({ length: 20 }, () => clock.now())

  expect(readings.map((reading) => reading % 1)).toEqual(readings.map(() => 0))
})
