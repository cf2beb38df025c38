import { expect, test } from 'vitest'
import type { Fault } from '../../../simulations/plan/faults.ts'
import { simplerFaults } from '../../../simulations/runner/simplify-faults.ts'
import { aPlan } from '../report/builders.ts'

const simpler = (fault: Fault) => simplerFaults(aPlan({ faults: [fault] })).flatMap(({ faults }) => faults)
const process = 'controller-1'

test('a crash within its work becomes one at once, else one at an earlier time', () => {
  const fault: Fault = { type: 'crash', at: 0, process, moment: 'before-send', nth: 4, downMs: 1 }
  const { nth: _, ...first } = fault

  expect(simpler(fault)).toEqual([
    { type: 'crash', at: 0, process, moment: 'now', downMs: 1 },
    first,
    { ...fault, nth: 2 },
  ])
})

test('a pause that begins at once is simple already', () => {
  expect(simpler({ type: 'pause', at: 0, process, lasts: 500 })).toEqual([])
  expect(simpler({ type: 'pause', at: 0, process, lasts: 500, moment: 'after-turns' })).toEqual([
    { type: 'pause', at: 0, process, lasts: 500, moment: 'now' },
  ])
})

test('a watch that ends becomes one that breaks off, one that misses much misses one', () => {
  expect(simpler({ type: 'watches', at: 0, process, how: 'ended', gapMs: 200 })).toEqual([
    { type: 'watches', at: 0, process, how: 'closed' },
  ])
  expect(simpler({ type: 'watches', at: 0, process, how: 'missed', changes: 6 })).toEqual([
    { type: 'watches', at: 0, process, how: 'missed', changes: 1 },
  ])
})

test('messages are spoiled never, else always; watches lag less', () => {
  const harm = { lost: 0, doubled: 0, delayed: 0, delayMs: 0 }
  const spoils: Fault = { type: 'messages', at: 0, lasts: 1, from: '*', to: '*', ...harm, corrupted: 0.5 }
  expect(simpler(spoils)).toEqual([
    { ...spoils, corrupted: 0 },
    { ...spoils, corrupted: 1 },
  ])
  const lags: Fault = { type: 'watch-lag', at: 0, lasts: 1, process, upToMs: 8_000 }
  expect(simpler(lags)).toEqual([
    { ...lags, upToMs: 2_000 },
    { ...lags, upToMs: 4_000 },
  ])
})
