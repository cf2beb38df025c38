import type { Plan } from '../plan/plan.ts'
import type { RunResult } from './result.ts'
import { PoolClosedError, type SimulatorPool } from './simulator-pool.ts'

/** So many runs for each place may be finished while one before them still runs. */
const AHEAD = 64

/**
 * Runs all plans and tells the results in the order of the plans, whichever was faster. Plans are made when their turn
 * comes and results are not kept, so that there may be any number. When the pool is closed, what was finished is told.
 * @param done called when a run is over, in the order in which they end
 */
export async function* runMany(
  plans: Iterable<Plan>,
  pool: SimulatorPool,
  done: (result: RunResult) => void = () => {},
): AsyncGenerator<RunResult, void, undefined> {
  const underWay: Promise<RunResult | undefined>[] = []
  for (const plan of plans) {
    underWay.push(run(plan, pool, done))
    if (underWay.length < pool.size * AHEAD) continue
    const result = await underWay.shift()
    if (result === undefined) break
    yield result
  }
  for (const run of underWay) {
    const result = await run
    if (result !== undefined) yield result
  }
}

async function run(plan: Plan, pool: SimulatorPool, done: (result: RunResult) => void) {
  try {
    const result = await pool.run(plan)
    done(result)
    return result
  } catch (error) {
    if (error instanceof PoolClosedError) return undefined
    throw error
  }
}
