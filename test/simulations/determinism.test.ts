import { expect, test } from 'vitest'
import type { Plan } from '../../simulations/plan/plan.ts'
import { simulate } from '../../simulations/runner/simulate.ts'
import { mix } from '../../simulations/scenarios/mix.ts'

async function digestOf(plan: Plan): Promise<string> {
  return (await simulate(plan)).digest
}

test('a plan out of a file is the same run', async () => {
  const plan = mix.plan(3)
  const written: Plan = JSON.parse(JSON.stringify(plan))
  expect(await digestOf(written)).toBe(await digestOf(plan))
}, 60_000)

test('while a simulation runs, no other does in the same thread', async () => {
  const plan = mix.plan(3)
  const first = simulate(plan)
  await expect(simulate(plan)).rejects.toThrow(/runs in this thread already/)
  await first
}, 60_000)
