import { expect, test } from 'vitest'
import type { RunResult } from '../../../simulations/runner/result.ts'
import { firstDifference, inPairs, SAME_RUN, twice } from '../../../simulations/runner/verify.ts'
import { anEntry, aPlan, aRun, aViolation } from '../report/builders.ts'

async function paired(...results: RunResult[]): Promise<RunResult[]> {
  async function* source() {
    yield* results
  }
  const all: RunResult[] = []
  for await (const result of inPairs(source())) all.push(result)
  return all
}

test('each plan is run twice, one after the other', () => {
  const plans = [aPlan({ seed: 1 }), aPlan({ seed: 2 })]
  expect([...twice(plans)].map(({ seed }) => seed)).toEqual([1, 1, 2, 2])
})

test('two runs that are the same are one, and both have taken time', async () => {
  const run = aRun({ wallMs: 100, violations: [aViolation()] })
  expect(await paired(run, run)).toEqual([
    { ...run, wallMs: 200, simulatedMs: 2 * run.simulatedMs, events: 2 * run.events },
  ])
})

test('two runs that are not the same break a law', async () => {
  const [result] = await paired(aRun({ digest: 'a' }), aRun({ digest: 'b' }))
  expect(result?.violations.map(({ law }) => law)).toEqual([SAME_RUN])
})

test('a run whose second was never finished is no result', async () => {
  expect(await paired(aRun(), aRun(), aRun({ plan: aPlan({ seed: 9 }) }))).toHaveLength(1)
})

test('the first thing that was not the same is told', () => {
  const first = aRun({ trace: [anEntry(1), anEntry(20, { text: 'address 1' })] })
  const second = aRun({ trace: [anEntry(1), anEntry(20, { text: 'address 2' })] })
  expect(firstDifference(first, first)).toBeUndefined()
  expect(firstDifference(first, second)).toMatchObject({ law: SAME_RUN, at: 20 })
  expect(firstDifference(first, second)?.message).toMatch(
    /entry 1 .*\nfirst: .*address 1\nsecond: .*address 2/,
  )
  expect(firstDifference(first, aRun({ trace: [anEntry(1)] }))?.message).toMatch(/second: the trace ended/)
})
