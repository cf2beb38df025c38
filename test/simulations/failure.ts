import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { renderTimeline } from '../../simulations/report/timeline.ts'
import { findCounterexample, renderFiles } from '../../simulations/runner/counterexample.ts'
import type { RunResult } from '../../simulations/runner/result.ts'
import { simulate } from '../../simulations/runner/simulate.ts'
import type { SimulatorPool } from '../../simulations/runner/simulator-pool.ts'
import { monotonicClock } from '../../src/runtime/system-clock.ts'

/** Where counterexamples go, to be replayed, and to become regressions. */
const FOLDER = 'simulation-failures'
const SHRINKING_TIME = 120_000

/** In the thread of the test, which nothing else uses meanwhile. */
const inThisThread: SimulatorPool = { size: 1, run: simulate, close: async () => {} }

/**
 * What a run violated, made small: a story with the command that replays it, and where its plan was written;
 * undefined when it violated nothing.
 */
export async function storyOf(failed: RunResult): Promise<string | undefined> {
  const [violation] = failed.violations
  if (violation === undefined) return undefined
  const startedAt = monotonicClock.now()
  const found = await findCounterexample(failed, violation, inThisThread, {
    isShrunk: true,
    isOutOfTime: () => monotonicClock.now() - startedAt > SHRINKING_TIME,
  })
  const { scenario, seed } = failed.plan
  const base = path.join(FOLDER, `${scenario}-${seed}`)
  const replay = `managed-dhcp simulate --plan ${base}.json`
  const files = renderFiles(found, replay)
  mkdirSync(FOLDER, { recursive: true })
  for (const [ending, text] of files) writeFileSync(`${base}.${ending}`, text)
  const { story, run, partsBefore, parts } = found
  const text = renderTimeline(story, run.plan, { width: 120, isColoured: false, replay })
  return `\n${text}${scenario}, seed ${seed}: ${partsBefore} operations and faults, ${parts} of them are enough:\n${files.get('json')}`
}
