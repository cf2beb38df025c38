import { expect, test } from 'vitest'
import { readRegressions } from '../../simulations/runner/plan-files.ts'
import { simulate } from '../../simulations/runner/simulate.ts'
import { storyOf } from './failure.ts'

const REGRESSIONS = readRegressions()

test('no plan that once broke a law breaks one again', async () => {
  for (const { title, plan } of REGRESSIONS) {
    expect(await storyOf(await simulate(plan)), title).toBeUndefined()
  }
}, 300_000)

test('each says in words of its own what a user would have seen', () => {
  const titles = REGRESSIONS.map(({ title }) => title)
  expect(new Set(titles).size).toBe(titles.length)
})
