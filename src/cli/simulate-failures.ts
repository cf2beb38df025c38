import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { renderTimeline } from '../../simulations/report/timeline.ts'
import { findCounterexample, renderFiles } from '../../simulations/runner/counterexample.ts'
import type { RunResult, Violation } from '../../simulations/runner/result.ts'
import type { SimulatorPool } from '../../simulations/runner/simulator-pool.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ProgressLine } from './simulate-progress.ts'
import { UsageError } from './usage-error.ts'

export interface FailureTellerParts {
  readonly pool: SimulatorPool
  readonly clock: Clock
  readonly directory: string
  readonly isShrunk: boolean
  readonly progress: ProgressLine
  readonly output: NodeJS.WriteStream
}

/** Of one violation; after that, the smallest plan so far will do. */
const SHRINKING_TIME = 120_000
const WIDTH_WITHOUT_TERMINAL = 120

/** Before anything is run. @throws UsageError when no directory can be there */
export function checkDirectory(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false })
  if (found === undefined || found.isDirectory()) return
  throw new UsageError(`counterexamples cannot be written to ${directory}, a file; choose another --out`)
}

/**
 * Looks for a smaller run that fails in the same way, shows it, and writes it down.
 * @throws PoolClosedError
 */
export async function tellFailure(failed: RunResult, violation: Violation, parts: FailureTellerParts) {
  const { pool, clock, directory, isShrunk, progress, output } = parts
  const { scenario, seed } = failed.plan
  const startedAt = clock.now()
  if (isShrunk) progress.note(`looking for a smaller run that breaks the law “${violation.law}”`)
  const found = await findCounterexample(failed, violation, pool, {
    isShrunk,
    isOutOfTime: () => clock.now() - startedAt > SHRINKING_TIME,
    progress: ({ runs, mostRuns, parts }) =>
      progress.text(
        `shrinking ${scenario}, seed ${seed}: ${runs} of at most ${mostRuns} runs, ${parts} operations and faults`,
      ),
  })
  mkdirSync(directory, { recursive: true })
  const base = path.join(directory, `${scenario}-${seed}`)
  const replay = `managed-dhcp simulate --plan ${quoted(`${base}.json`)}`
  const files = renderFiles(found, replay)
  for (const [ending, text] of files) writeFileSync(`${base}.${ending}`, text)

  const isColoured = output.isTTY === true && process.env.NO_COLOR === undefined
  const width = output.isTTY === true ? output.columns : WIDTH_WITHOUT_TERMINAL
  progress.clear()
  output.write(`\n${renderTimeline(found.story, found.run.plan, { width, isColoured, replay })}`)
  if (found.shrinking !== undefined) {
    const { runs, isFinished } = found.shrinking
    const end = isFinished ? '' : '; time ran out before everything was tried'
    output.write(
      `Shrunk from ${found.partsBefore} operations and faults to ${found.parts} in ${runs} runs${end}\n`,
    )
  }
  if (found.run.violations.length === 0) {
    output.write(
      'It did not fail when it was run once more: look for what is not the same twice with --verify\n',
    )
  }
  output.write(`Written:${[...files.keys()].map((ending) => ` ${base}.${ending}`).join('')}\n\n`)
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
