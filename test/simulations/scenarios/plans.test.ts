import { describe, expect, test } from 'vitest'
import { planSchema } from '../../../simulations/plan/plan.ts'
import { PROCESSES } from '../../../simulations/scenarios/cluster.ts'
import { SCENARIOS } from '../../../simulations/scenarios/scenarios.ts'

const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1)

test('every scenario has a name of its own, and says in one line what it is', () => {
  const names = SCENARIOS.map(({ name }) => name)

  expect(new Set(names).size).toBe(names.length)
  for (const { description } of SCENARIOS) expect(description).toMatch(/^.{10,110}$/)
})

describe.each(SCENARIOS)('plans of $name', (scenario) => {
  const plans = SEEDS.map((seed) => scenario.plan(seed))

  test('are plans, of that name and seed', () => {
    for (const [index, plan] of plans.entries()) {
      expect(planSchema.parse(plan)).toEqual(plan)
      expect(plan).toMatchObject({ scenario: scenario.name, seed: SEEDS[index] })
    }
  })

  test('are the same for the same seed, and differ between seeds', () => {
    const texts = new Set(plans.map((plan) => JSON.stringify({ ...plan, seed: 0 })))

    expect(SEEDS.map((seed) => scenario.plan(seed))).toEqual(plans)
    expect(texts.size).toBe(plans.length)
  })

  test('have everything in order, and within their time', () => {
    for (const { operations, faults, durationMs } of plans) {
      for (const events of [operations, faults]) {
        const times = events.map(({ at }) => at)
        expect(times).toEqual([...times].sort((a, b) => a - b))
        expect(Math.max(0, ...times)).toBeLessThan(durationMs)
      }
    }
  })

  test('name only processes and networks that there are', () => {
    for (const plan of plans) {
      const ends = new Set([...PROCESSES(plan), '*', 'api', 'broker'])
      const networks = new Set(plan.networks.map(({ name }) => name))
      for (const event of [...plan.faults, ...plan.operations]) {
        if ('process' in event) expect(ends).toContain(event.process)
        if ('from' in event) expect(ends).toContain(event.from)
        if ('to' in event) expect(ends).toContain(event.to)
        if ('network' in event) expect(networks).toContain(event.network)
        if ('pool' in event) expect(networks).toContain(event.pool)
      }
    }
  })

  test('let something happen, and mostly let something break', () => {
    for (const { operations } of plans) expect(operations).not.toEqual([])
    expect(plans.filter(({ faults }) => faults.length > 0).length).toBeGreaterThan(SEEDS.length / 2)
  })
})
