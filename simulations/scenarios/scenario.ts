import type { Plan } from '../plan/plan.ts'

/** A kind of day in the life of a cluster; the seed makes one day of it. */
export interface Scenario {
  readonly name: string
  /** One line, for `--help` and the documentation. */
  readonly description: string
  /**
   * What it is there for, as pairs of RunResult.coverage (`crash × controller leading`; a pair that begins so counts): over a
   * few dozen seeds each is reached, or the scenario has lost its point.
   */
  readonly reaches: readonly string[]
  /** The same seed makes the same plan. */
  plan(seed: number): Plan
}
