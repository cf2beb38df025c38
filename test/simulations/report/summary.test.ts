import { expect, test } from 'vitest'
import { renderSummary } from '../../../simulations/report/summary.ts'
import { addRun, NO_RUNS } from '../../../simulations/report/tally.ts'
import { aPlan, aRun, aViolation } from './builders.ts'

const run = (scenario: string, seed: number, ...laws: string[]) =>
  aRun({ plan: aPlan({ scenario, seed }), violations: laws.map((law) => aViolation({ law })) })

const summaryOf = (...runs: ReturnType<typeof run>[]) => renderSummary(runs.reduce(addRun, NO_RUNS))

test('a table of scenarios, and for each law the smallest seed that shows it', () => {
  const summary = summaryOf(
    run('split-brain', 9, 'one holder', 'one holder'),
    run('boot-storm', 1),
    run('split-brain', 4, 'no leaks', 'one holder'),
    run('split-brain', 2),
  )
  expect(summary).toBe(`\
SCENARIO      RUNS   FAILED   SIMULATED   HOURS/S   EVENTS/S   FAILED SEEDS
boot-storm       1        -      1.00 h      2.00     20,000
split-brain      3        2      3.00 h      2.00     20,000   4 9
total            4        2      4.00 h      2.00     20,000

2 laws violated
  ✗ no leaks, in 1 run: managed-dhcp simulate --scenario split-brain --seed 4
  ✗ one holder, in 2 runs: managed-dhcp simulate --scenario split-brain --seed 4
`)
})

test('of many seeds that failed the first are named and the others counted', () => {
  const runs = Array.from({ length: 30 }, (_, seed) => run('mix', seed, 'one holder'))
  expect(summaryOf(...runs)).toContain('0 1 2 3 4 … 25 more\n')
})

test('without violations it says how much was run', () => {
  expect(summaryOf(run('mix', 1), run('mix', 2))).toMatch(/\n\nno law was violated in 2 runs\n$/)
  expect(renderSummary(NO_RUNS)).toContain('nothing was run')
})

test('the order in which runs end makes no difference', () => {
  const runs = [run('a', 3, 'x'), run('b', 3, 'x', 'y'), run('a', 1), run('b', 7, 'y')]
  expect(summaryOf(...runs)).toBe(summaryOf(...runs.toReversed()))
})

test('rates are of the time that the runs took', () => {
  const fast = aRun({ simulatedMs: 450 * 3_600_000, events: 1_500_000, wallMs: 3000 })
  expect(renderSummary(addRun(NO_RUNS, fast))).toMatch(/450 h +150 +500,000/)
  expect(renderSummary(addRun(NO_RUNS, aRun({ wallMs: 0 })))).toMatch(/1\.00 h +- +-\n/)
})

test('colours are there when they are asked for, and only then', () => {
  const tally = addRun(NO_RUNS, run('mix', 1, 'one holder'))
  expect(renderSummary(tally)).not.toContain('\u001b')
  expect(renderSummary(tally, { isColoured: true })).toContain('\u001b[36mmanaged-dhcp simulate')
})
