import { availableParallelism } from 'node:os'
import type { Plan } from '../../simulations/plan/plan.ts'
import { type Coverage, mergeCoverage, renderCoverage } from '../../simulations/report/coverage.ts'
import { renderSummary } from '../../simulations/report/summary.ts'
import { addRun, NO_RUNS } from '../../simulations/report/tally.ts'
import { PlanFileError, readPlan, readRegressions } from '../../simulations/runner/plan-files.ts'
import type { RunResult, Violation } from '../../simulations/runner/result.ts'
import { runMany } from '../../simulations/runner/run-many.ts'
import { freshSeed, plansOf } from '../../simulations/runner/seeds.ts'
import { startSimulator } from '../../simulations/runner/simulator.ts'
import { createSimulatorPool, PoolClosedError } from '../../simulations/runner/simulator-pool.ts'
import { inPairs, twice } from '../../simulations/runner/verify.ts'
import { findScenario, SCENARIOS, UnknownScenarioError } from '../../simulations/scenarios/scenarios.ts'
import { systemRandom } from '../runtime/random.ts'
import { monotonicClock } from '../runtime/system-clock.ts'
import type { ExitCode } from './command-context.ts'
import { checkDirectory, tellFailure } from './simulate-failures.ts'
import { createProgressLine } from './simulate-progress.ts'
import { UsageError } from './usage-error.ts'

export interface SimulateOptions {
  readonly scenario?: readonly string[]
  readonly seed?: number
  readonly runs?: number
  readonly jobs?: number
  readonly list?: boolean
  /** A file. */
  readonly plan?: string
  readonly regressions?: boolean
  /** A directory. */
  readonly out: string
  readonly isShrunk: boolean
  readonly coverage?: boolean
  readonly verify?: boolean
}

/** Long also for a machine that is busy with other things. */
const LONGEST_RUN = 180_000
const USUAL_RUNS = 10
const INTERRUPTED: ExitCode = 130

/** What is to be run. */
interface Agenda {
  readonly title: string
  readonly count: number
  readonly plans: Iterable<Plan>
  /** Pairs of coverage that should be reached. */
  readonly reaches: readonly string[]
}

/** @returns 1 when a law was broken @throws UsageError */
export async function runSimulations(options: SimulateOptions): Promise<ExitCode> {
  const { stdout, stderr } = process
  if (options.list === true) {
    const width = Math.max(...SCENARIOS.map(({ name }) => name.length))
    for (const { name, description } of SCENARIOS) stdout.write(`${name.padEnd(width)}  ${description}\n`)
    return 0
  }
  const agenda = agendaOf(options)
  const runs = options.verify === true ? agenda.count * 2 : agenda.count
  checkDirectory(options.out)
  const progress = createProgressLine(stderr, monotonicClock)
  const pool = createSimulatorPool({
    size: Math.min(options.jobs ?? availableParallelism(), runs),
    start: startSimulator,
    clock: monotonicClock,
    longestRunMs: LONGEST_RUN,
  })
  let isInterrupted = false
  const interrupt = () => {
    if (isInterrupted) process.exit(INTERRUPTED)
    isInterrupted = true
    void pool.close()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)

  stdout.write(`${agenda.title}\n`)
  let tally = NO_RUNS
  let coverage: Coverage = {}
  /** The first run of each law that was broken. */
  const firsts = new Map<string, { run: RunResult; violation: Violation }>()
  const startedAt = monotonicClock.now()
  let soFar = { done: 0, total: runs, failed: 0, simulatedMs: 0, startedAt }
  const counted = ({ violations, simulatedMs }: RunResult) => {
    soFar = {
      ...soFar,
      done: soFar.done + 1,
      failed: soFar.failed + (violations.length > 0 ? 1 : 0),
      simulatedMs: soFar.simulatedMs + simulatedMs,
    }
    progress.runs(soFar)
  }
  try {
    progress.runs(soFar)
    const results =
      options.verify === true
        ? inPairs(runMany(twice(agenda.plans), pool, counted))
        : runMany(agenda.plans, pool, counted)
    for await (const run of results) {
      tally = addRun(tally, run)
      coverage = mergeCoverage([coverage, run.coverage])
      const [violation] = run.violations
      if (violation === undefined) continue
      if (!firsts.has(violation.law)) firsts.set(violation.law, { run, violation })
      progress.clear()
      stdout.write(`✗ ${run.plan.scenario}, seed ${run.plan.seed}: ${violation.law}\n`)
    }
    progress.clear()
    for (const { run, violation } of firsts.values()) {
      const { out: directory, isShrunk } = options
      await tellFailure(run, violation, {
        pool,
        clock: monotonicClock,
        directory,
        isShrunk,
        progress,
        output: stdout,
      })
    }
  } catch (error) {
    if (!(error instanceof PoolClosedError)) throw error
  } finally {
    progress.clear()
    await pool.close()
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
  if (options.coverage === true) {
    stdout.write(`\n${renderCoverage(coverage, stdout.columns ?? 160, agenda.reaches)}`)
  }
  const isColoured = stdout.isTTY === true && process.env.NO_COLOR === undefined
  stdout.write(`\n${renderSummary(tally, { isColoured })}`)
  if (isInterrupted) stdout.write(`interrupted after ${soFar.done} of ${runs} runs\n`)
  return firsts.size > 0 ? 1 : isInterrupted ? INTERRUPTED : 0
}

/** @throws UsageError */
function agendaOf({ scenario, seed, runs, plan, regressions }: SimulateOptions): Agenda {
  try {
    if (plan !== undefined) {
      return { title: `Replay of ${plan}`, count: 1, plans: [readPlan(plan)], reaches: [] }
    }
    if (regressions === true) {
      const plans = readRegressions().map((regression) => regression.plan)
      if (plans.length === 0) throw new UsageError('there are no regressions to replay yet')
      return {
        title: `${plans.length} plans that once failed`,
        count: plans.length,
        plans,
        reaches: [],
      }
    }
    const scenarios = scenario === undefined ? SCENARIOS : scenario.map(findScenario)
    const first = seed ?? freshSeed(systemRandom)
    const count = runs ?? (seed === undefined ? USUAL_RUNS : 1)
    const names = scenarios.map(({ name }) => name).join(', ')
    return {
      title: `${names}: seeds from ${first}, ${count} each; again: --seed ${first} --runs ${count}`,
      count: scenarios.length * count,
      plans: plansOf(scenarios, first, count),
      reaches: scenarios.flatMap(({ reaches }) => reaches),
    }
  } catch (error) {
    if (error instanceof PlanFileError || error instanceof UnknownScenarioError) {
      throw new UsageError(error.message, { cause: error })
    }
    throw error
  }
}
