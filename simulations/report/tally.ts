import type { RunResult } from '../runner/result.ts'

/** What many runs came to, small however many they were. */
export interface Tally {
  readonly scenarios: ReadonlyMap<string, ScenarioTally>
  /** By law. */
  readonly laws: ReadonlyMap<string, LawTally>
}

export interface ScenarioTally {
  readonly runs: number
  readonly simulatedMs: number
  readonly wallMs: number
  readonly events: number
  /** Ascending. */
  readonly failedSeeds: readonly number[]
}

export interface LawTally {
  /** Runs in which it was violated. */
  readonly runs: number
  /** The run with the smallest seed. */
  readonly scenario: string
  readonly seed: number
}

export const NO_RUNS: Tally = { scenarios: new Map(), laws: new Map() }

export const NOTHING: ScenarioTally = { runs: 0, simulatedMs: 0, wallMs: 0, events: 0, failedSeeds: [] }

export type TalliedRun = Pick<RunResult, 'plan' | 'violations' | 'simulatedMs' | 'wallMs' | 'events'>

/** The tally with one more run. The order in which runs are added does not matter. */
export function addRun(tally: Tally, run: TalliedRun): Tally {
  const { scenario, seed } = run.plan
  const before = tally.scenarios.get(scenario) ?? NOTHING
  const after = plus(before, {
    runs: 1,
    simulatedMs: run.simulatedMs,
    wallMs: run.wallMs,
    events: run.events,
    failedSeeds: run.violations.length === 0 ? [] : [seed],
  })
  const laws = new Map(tally.laws)
  for (const law of new Set(run.violations.map((violation) => violation.law))) {
    laws.set(law, withRun(laws.get(law), scenario, seed))
  }
  return { scenarios: new Map(tally.scenarios).set(scenario, after), laws }
}

/** The sum of two tallies of runs. */
export function plus(a: ScenarioTally, b: ScenarioTally): ScenarioTally {
  return {
    runs: a.runs + b.runs,
    simulatedMs: a.simulatedMs + b.simulatedMs,
    wallMs: a.wallMs + b.wallMs,
    events: a.events + b.events,
    failedSeeds: b.failedSeeds.length === 0 ? a.failedSeeds : sorted([...a.failedSeeds, ...b.failedSeeds]),
  }
}

function withRun(law: LawTally | undefined, scenario: string, seed: number): LawTally {
  if (law === undefined) return { runs: 1, scenario, seed }
  const isFirst = seed < law.seed || (seed === law.seed && scenario < law.scenario)
  return {
    runs: law.runs + 1,
    ...(isFirst ? { scenario, seed } : { scenario: law.scenario, seed: law.seed }),
  }
}

const sorted = (seeds: readonly number[]) => seeds.toSorted((a, b) => a - b)
