import { renderHtml } from '../report/html.ts'
import { renderSequenceDiagram } from '../report/sequence-diagram.ts'
import { type Story, tellStory } from '../report/story.ts'
import { renderTimeline } from '../report/timeline.ts'
import { countParts } from './plan-parts.ts'
import type { Regression } from './regression.ts'
import type { RunResult, Violation } from './result.ts'
import { type ShrinkProgress, shrink } from './shrink.ts'
import type { SimulatorPool } from './simulator-pool.ts'
import { firstDifference, SAME_RUN } from './verify.ts'

/** A failed run as somebody wants to read it. */
export interface Counterexample {
  readonly story: Story
  readonly run: RunResult
  /** How many operations and faults the plan had, and has. */
  readonly partsBefore: number
  readonly parts: number
  /** Simulations that shrinking took, and whether it got to its end. */
  readonly shrinking: { readonly runs: number; readonly isFinished: boolean } | undefined
}

export interface CounterexampleOptions {
  readonly isShrunk: boolean
  readonly isOutOfTime?: () => boolean
  readonly progress?: (progress: ShrinkProgress) => void
}

/** Each try of a run that hangs takes as long as the watchdog waits. */
const TOO_SLOW_TO_SHRINK = 'ends in time'

/**
 * Shrinks the plan of a failed run, and runs what is left once more with its trace.
 * @throws PoolClosedError
 */
export async function findCounterexample(
  failed: RunResult,
  violation: Violation,
  pool: SimulatorPool,
  { isShrunk, ...options }: CounterexampleOptions,
): Promise<Counterexample> {
  if (violation.law === SAME_RUN) return findDifference(failed, violation, pool)
  const fails = async (plan: RunResult['plan']) => (await pool.run(plan)).violations[0]
  const shrunk =
    isShrunk && violation.law !== TOO_SLOW_TO_SHRINK
      ? await shrink(failed.plan, fails, { ...options, violation, parallel: pool.size })
      : undefined
  const plan = shrunk?.plan ?? failed.plan
  const run = await pool.run(plan, { keepTrace: true })
  // What breaks down the thread that it runs in leaves no trace, and what is not the same twice may not fail again.
  const told = run.violations[0] ?? shrunk?.violation ?? violation
  return {
    story: tellStory(run.trace ?? [], told, plan),
    run,
    partsBefore: countParts(failed.plan),
    parts: countParts(plan),
    shrinking: shrunk,
  }
}

async function findDifference(failed: RunResult, violation: Violation, pool: SimulatorPool) {
  const { plan } = failed
  const keepTrace = true
  const [first, second] = await Promise.all([pool.run(plan, { keepTrace }), pool.run(plan, { keepTrace })])
  const told = firstDifference(first, second) ?? violation
  return {
    story: tellStory(first.trace ?? [], told, plan),
    run: { ...first, violations: [told] },
    partsBefore: countParts(plan),
    parts: countParts(plan),
    shrinking: undefined,
  }
}

/**
 * What is written down of a counterexample, by the ending of the file's name.
 * @param replay how to see it again
 */
export function renderFiles({ story, run }: Counterexample, replay: string): ReadonlyMap<string, string> {
  const { plan } = run
  const [title = story.violation.law] = story.violation.message.split('\n')
  const regression: Regression = { title, law: story.violation.law, plan }
  return new Map([
    ['json', `${JSON.stringify(regression, undefined, 2)}\n`],
    ['txt', renderTimeline(story, plan, { width: 160, isColoured: false, replay })],
    ['svg', renderSequenceDiagram(story, plan)],
    ['html', renderHtml(story, run, replay)],
  ])
}
