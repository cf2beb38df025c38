import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import type { NetworkPlan } from '../plan/plan.ts'
import { type Chance, createChance } from '../world/chance.ts'
import type { Scenario } from './scenario.ts'

/** What a scenario makes of its chance: a plan without the names, in any order. */
export interface Day {
  readonly networks: NetworkPlan[]
  readonly controllers: number
  /** Usually true. */
  readonly leaderElection?: boolean
  /** Usually by chance, mostly true. */
  readonly localFirst?: boolean
  readonly durationMs: number
  readonly operations: readonly Operation[]
  readonly faults: readonly Fault[]
}

interface Theme extends Pick<Scenario, 'name' | 'description' | 'reaches'> {
  day(chance: Chance): Day
}

/** A scenario whose plans are in order, and within their time. */
export function scenarioOf({ day, ...about }: Theme): Scenario {
  return {
    ...about,
    plan(seed) {
      const chance = createChance(seed, about.name)
      const localFirst = chance.happens(0.7)
      const { operations, faults, ...rest } = day(chance)
      return {
        version: 1,
        scenario: about.name,
        seed,
        leaderElection: true,
        localFirst,
        ...rest,
        operations: inTime(operations, rest.durationMs),
        faults: inTime(faults, rest.durationMs).map((fault) => ending(fault, rest.durationMs)),
      }
    },
  }
}

function inTime<T extends { readonly at: number }>(events: readonly T[], end: number): T[] {
  return events.filter(({ at }) => at < end).sort((a, b) => a.at - b.at)
}

/** What lasts ends with the plan at the latest. */
function ending(fault: Fault, end: number): Fault {
  return 'lasts' in fault ? { ...fault, lasts: Math.min(fault.lasts, end - fault.at) } : fault
}
