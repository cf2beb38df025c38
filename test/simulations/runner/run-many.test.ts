import { beforeEach, describe, expect, test } from 'vitest'
import type { Plan } from '../../../simulations/plan/plan.ts'
import type { RunResult } from '../../../simulations/runner/result.ts'
import { runMany } from '../../../simulations/runner/run-many.ts'
import { type Simulator, SimulatorLostError } from '../../../simulations/runner/simulator.ts'
import { createSimulatorPool, PoolClosedError } from '../../../simulations/runner/simulator-pool.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { aPlan, aRun } from '../report/builders.ts'

/** A place whose runs end when the test says so. */
class ScriptedSimulator implements Simulator {
  isClosed = false
  plan: Plan | undefined
  #resolve: (result: RunResult) => void = () => {}
  #reject: (error: Error) => void = () => {}

  run({ plan }: { plan: Plan }): Promise<RunResult> {
    this.plan = plan
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  end(): void {
    const { plan } = this
    this.plan = undefined
    if (plan !== undefined) this.#resolve(aRun({ plan }))
  }

  die(why: string): void {
    this.#reject(new SimulatorLostError(why))
  }

  close(): Promise<void> {
    this.isClosed = true
    this.#reject(new SimulatorLostError('the thread ended with exit code 1'))
    return Promise.resolve()
  }
}

let clock: ManualClock
let started: ScriptedSimulator[]
beforeEach(() => {
  clock = new ManualClock()
  started = []
})

const poolOf = (size: number) =>
  createSimulatorPool({
    size,
    clock,
    longestRunMs: 60_000,
    start: () => {
      const simulator = new ScriptedSimulator()
      started.push(simulator)
      return simulator
    },
  })
const seed = (number: number) => aPlan({ seed: number })
const seeds = (count: number) => Array.from({ length: count }, (_, index) => seed(index))
const running = () => started.flatMap(({ plan }) => (plan === undefined ? [] : [plan.seed]))
const runningSeed = (number: number) => started.find(({ plan }) => plan?.seed === number)
const outcomeOf = ({ plan, violations }: RunResult) => [plan.seed, ...violations.map(({ law }) => law)]

async function collect(results: AsyncIterable<RunResult>): Promise<RunResult[]> {
  const all: RunResult[] = []
  for await (const result of results) all.push(result)
  return all
}

describe('runs', () => {
  test('no more at once than there are places, and places are used again', async () => {
    const pool = poolOf(2)
    const results = collect(runMany(seeds(5), pool))
    await clock.settle()
    expect(running()).toEqual([0, 1])
    for (let round = 0; round < 5; round++) {
      started.find(({ plan }) => plan !== undefined)?.end()
      await clock.settle()
    }
    expect((await results).map(outcomeOf)).toEqual([[0], [1], [2], [3], [4]])
    expect(started).toHaveLength(2)
  })

  test('are told in the order of the seeds, whichever was faster', async () => {
    const done: number[] = []
    const results = collect(runMany(seeds(3), poolOf(3), ({ plan }) => done.push(plan.seed)))
    await clock.settle()
    for (const number of [2, 0, 1]) {
      runningSeed(number)?.end()
      await clock.settle()
    }
    expect(done).toEqual([2, 0, 1])
    expect((await results).map(outcomeOf)).toEqual([[0], [1], [2]])
  })

  test('plans are made when their turn comes: there may be any number', async () => {
    let made = 0
    function* endless() {
      for (;;) yield seed(made++)
    }
    const pool = poolOf(1)
    const results = collect(runMany(endless(), pool))
    await clock.settle()
    expect(made).toBeLessThan(1000)
    await pool.close()
    expect(await results).toEqual([])
  })
})

describe('a run that breaks down', () => {
  test('in a thread that dies is a failed run of its seed, and the others go on in a new one', async () => {
    const results = collect(runMany(seeds(2), poolOf(1)))
    await clock.settle()
    runningSeed(0)?.die('out of memory')
    await clock.settle()
    expect(started.map(({ isClosed }) => isClosed)).toEqual([true, false])
    started[1]?.end()
    const [first, second] = await results
    expect(first?.violations).toEqual([{ law: 'no crash', at: 0, message: 'out of memory', about: [] }])
    expect(second?.violations).toEqual([])
  })

  test('because it does not end is a failed run, and its thread is ended', async () => {
    const results = collect(runMany(seeds(3), poolOf(2)))
    await clock.settle()
    runningSeed(1)?.end()
    await clock.advance(seconds(59))
    runningSeed(2)?.end()
    await clock.advance(seconds(2))
    expect((await results).map(outcomeOf)).toEqual([[0, 'ends in time'], [1], [2]])
    expect(started.map(({ isClosed }) => isClosed)).toEqual([true, false])
    expect(clock.pending).toBe(0)
  })
})

describe('when somebody has had enough', () => {
  test('what was finished is told, also beyond what was not', async () => {
    const pool = poolOf(2)
    const results = collect(runMany(seeds(4), pool))
    await clock.settle()
    runningSeed(1)?.end()
    await clock.settle()
    await pool.close()
    expect((await results).map(outcomeOf)).toEqual([[1]])
    expect(started.every(({ isClosed }) => isClosed)).toBe(true)
    await expect(pool.run(seed(9))).rejects.toThrow(PoolClosedError)
  })
})
