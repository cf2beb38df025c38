import { describe, expect, test } from 'vitest'
import { type Coverage, mergeCoverage, neverReached } from '../../simulations/report/coverage.ts'
import { simulate } from '../../simulations/runner/simulate.ts'
import { SCENARIOS } from '../../simulations/scenarios/scenarios.ts'

/** What so many seeds do not reach, a scenario is not there for. */
const MOST_RUNS = 100

describe('what a scenario is there for is reached', () => {
  test.each(SCENARIOS)(
    '$name',
    async ({ plan, reaches }) => {
      let coverage: Coverage = {}
      for (let seed = 1; seed <= MOST_RUNS && neverReached(reaches, coverage).length > 0; seed++) {
        coverage = mergeCoverage([coverage, (await simulate(plan(seed))).coverage])
      }
      expect(neverReached(reaches, coverage)).toEqual([])
    },
    600_000,
  )
})
