import { afterAll, describe, expect, test } from 'vitest'
import { planSchema } from '../../simulations/plan/plan.ts'
import { renderSummary } from '../../simulations/report/summary.ts'
import { addRun, NO_RUNS } from '../../simulations/report/tally.ts'
import type { RunResult } from '../../simulations/runner/result.ts'
import { freshSeed, seedsFrom } from '../../simulations/runner/seeds.ts'
import { simulate } from '../../simulations/runner/simulate.ts'
import { findScenario, SCENARIOS, UnknownScenarioError } from '../../simulations/scenarios/scenarios.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { storyOf } from './failure.ts'

const TIMEOUT = 600_000
/** The same in every run of the tests. */
const FIXED_SEEDS = [1, 2]
/** Of each scenario; more for who has the time: SIMULATION_RUNS=100. */
const FRESH_RUNS = Number(process.env.SIMULATION_RUNS ?? 1)
const FRESH_SEED = freshSeed(systemRandom)
if (FRESH_RUNS > 0) process.stderr.write(`simulations: ${FRESH_RUNS} fresh seeds from ${FRESH_SEED}\n`)

let tally = NO_RUNS
afterAll(() => {
  process.stderr.write(`\n${renderSummary(tally)}`)
})

async function expectSound(run: RunResult): Promise<void> {
  tally = addRun(tally, run)
  expect(await storyOf(run)).toBeUndefined()
}

describe.each(SCENARIOS)('scenario $name', (scenario) => {
  test('plans are such that a file may hold, and the same for the same seed', () => {
    for (const seed of seedsFrom(0, 50)) {
      const plan = scenario.plan(seed)
      expect(plan).toMatchObject({ scenario: scenario.name, seed })
      expect(planSchema.parse(JSON.parse(JSON.stringify(plan)))).toEqual(plan)
      expect(scenario.plan(seed)).toEqual(plan)
    }
  })

  test(
    'no law is broken, and one seed is one run, to the byte',
    async () => {
      const digests: string[] = []
      for (const seed of [...FIXED_SEEDS, ...FIXED_SEEDS.slice(0, 1)]) {
        const run = await simulate(scenario.plan(seed))
        await expectSound(run)
        digests.push(run.digest)
      }
      expect(digests.at(-1)).toBe(digests[0])
      expect(new Set(digests).size).toBe(FIXED_SEEDS.length)
    },
    TIMEOUT,
  )

  test(
    `no law is broken with fresh seeds (${FRESH_RUNS} from ${FRESH_SEED} on)`,
    async () => {
      for (const seed of seedsFrom(FRESH_SEED, FRESH_RUNS)) {
        await expectSound(await simulate(scenario.plan(seed)))
      }
    },
    TIMEOUT + FRESH_RUNS * 30_000,
  )
})

test('SIMULATION_RUNS is a number', () => {
  expect(Number.isSafeInteger(FRESH_RUNS) && FRESH_RUNS >= 0).toBe(true)
})

test('each scenario has a name of its own, and one line that says what it is', () => {
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length)
  for (const { name, description, reaches } of SCENARIOS) {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/)
    expect(description).toMatch(/^[^\n]{10,100}$/)
    expect(reaches.length).toBeGreaterThan(0)
    expect(findScenario(name).description).toBe(description)
  }
})

test('an unknown scenario is refused with the names of those that there are', () => {
  expect(() => findScenario('peace')).toThrow(UnknownScenarioError)
  expect(() => findScenario('peace')).toThrow(/"peace"; choose one of .*mix/)
})
