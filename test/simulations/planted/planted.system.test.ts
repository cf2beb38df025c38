import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Plan } from '../../../simulations/plan/plan.ts'
import { inColumns } from '../../../simulations/report/columns.ts'
import { findScenario } from '../../../simulations/scenarios/scenarios.ts'
import { PLANTED_BUGS } from './bugs.ts'
import { type Hunt, hunt } from './hunt.ts'
import { Product } from './product.ts'

/** For machines that are busy with other things; alone, none takes more than half a minute. */
const PATIENCE = 300_000

function* plansOf(scenario: string, count: number): Iterable<Plan> {
  const { plan } = findScenario(scenario)
  for (let seed = 1; seed <= count; seed++) yield plan(seed)
}

describe.concurrent('the simulator catches', () => {
  let product: Product
  const rows: string[][] = []
  beforeAll(() => {
    product = new Product()
  }, PATIENCE)
  afterAll(() => {
    product?.remove()
    process.stdout.write(
      inColumns([['bug', 'broken law', 'runs', 'simulated', 'wall'], ...rows], (column) => column > 1),
    )
  })

  test.each(PLANTED_BUGS)(
    '$name',
    { timeout: PATIENCE },
    async ({ name, edits, breaks, within, scenario = 'mix' }) => {
      const directory = product.plant(name, edits)

      const found = await hunt(directory, plansOf(scenario, within))

      const { caught } = found
      expect(caught, `no law is broken in ${within} runs of ${scenario}`).toBeDefined()
      if (caught === undefined) return
      const [violation] = caught.violations
      expect(breaks, violation?.message).toContain(violation?.law)
      rows.push(rowOf(name, violation?.law ?? '', found))
      const withoutTheBug = await hunt(product.directory, [caught.plan])
      expect(withoutTheBug.caught?.violations).toBeUndefined()
    },
  )
})

function rowOf(name: string, law: string, { runs, simulatedMs, wallMs }: Hunt): string[] {
  return [name, law, `${runs}`, `${Math.round(simulatedMs / 1000)} s`, `${(wallMs / 1000).toFixed(1)} s`]
}
