import type { Random } from '../../src/runtime/random.ts'
import type { Plan } from '../plan/plan.ts'
import type { Scenario } from '../scenarios/scenario.ts'

/** Seeds are 0 to 2³¹-1. */
const SEEDS = 2 ** 31
export const HIGHEST_SEED = SEEDS - 1

export function freshSeed(random: Random): number {
  return Math.floor(random.next() * SEEDS)
}

/** `count` seeds from `first` on; after the highest comes 0. */
export function* seedsFrom(first: number, count: number): Generator<number> {
  for (let index = 0; index < count; index++) yield (first + index) % SEEDS
}

/** One plan of each scenario for each seed, made when its turn comes. */
export function* plansOf(
  scenarios: readonly Scenario[],
  first: number,
  count: number,
): Generator<Plan, void, undefined> {
  for (const scenario of scenarios) {
    for (const seed of seedsFrom(first, count)) yield scenario.plan(seed)
  }
}
