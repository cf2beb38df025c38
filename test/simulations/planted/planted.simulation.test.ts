import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Plan } from '../../../simulations/plan/plan.ts'
import { inColumns } from '../../../simulations/report/columns.ts'
import { readPlan } from '../../../simulations/runner/plan-files.ts'
import { countParts } from '../../../simulations/runner/plan-parts.ts'
import { findScenario } from '../../../simulations/scenarios/scenarios.ts'
import { PLANTED_BUGS } from './bugs.ts'
import { type Hunt, hunt } from './hunt.ts'
import { Product } from './product.ts'

/** For machines that are busy with other things; alone, the longest takes three minutes. */
const PATIENCE = 900_000

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
      rows.push(rowOf(name, violation?.law ?? '', found, within))
      const withoutTheBug = await hunt(product.directory, [caught.plan])
      expect(withoutTheBug.caught?.violations).toBeUndefined()
    },
  )
})

test('of what is caught a few operations are left, in files that replay it until the bug is mended', {
  timeout: PATIENCE,
}, async () => {
  const product = new Product()
  try {
    const bug = PLANTED_BUGS.find(({ name }) => name === 'an address that was given back does not rest')
    const withBug = product.plant('shrunk', bug?.edits ?? [])
    const out = join(withBug, 'failures')
    const simulate = (directory: string, ...flags: string[]) =>
      spawnSync(process.execPath, [join(directory, 'src', 'main.js'), 'simulate', ...flags], {
        encoding: 'utf8',
      })

    const found = simulate(withBug, '--scenario', 'scarce-addresses', '--seed', '1', '--out', out)

    expect(found.stdout).toMatch(/✗ (one holder|addresses rest)/)
    expect(found.status).toBe(1)
    const file = join(out, 'scarce-addresses-1.json')
    expect(countParts(readPlan(file))).toBeLessThanOrEqual(8)
    expect(countParts(findScenario('scarce-addresses').plan(1))).toBeGreaterThan(16)
    expect(simulate(withBug, '--plan', file, '--out', out, '--no-shrink').status).toBe(1)
    expect(simulate(product.directory, '--plan', file, '--out', out).status).toBe(0)
    expect(readdirSync(out).sort()).toEqual(
      ['html', 'json', 'svg', 'txt'].map((ending) => `scarce-addresses-1.${ending}`),
    )
  } finally {
    product.remove()
  }
})

function rowOf(name: string, law: string, { runs, simulatedMs, wallMs }: Hunt, within: number): string[] {
  return [
    name,
    law,
    `${runs} of ${within}`,
    `${Math.round(simulatedMs / 1000)} s`,
    `${(wallMs / 1000).toFixed(1)} s`,
  ]
}
