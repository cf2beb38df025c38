import { milliseconds } from '../../src/api/values/time.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import type { Plan } from '../plan/plan.ts'
import { failedRun } from './failed-run.ts'
import type { RunResult } from './result.ts'
import { type Simulator, SimulatorLostError } from './simulator.ts'
import type { Task } from './worker-messages.ts'

/** Many simulations at once, each in a place of its own. */
export interface SimulatorPool {
  /** How many run at once; more wait in order. */
  readonly size: number
  /**
   * A run that breaks down or does not end is a failed run, of the law `no crash` or `ends in time`.
   * @throws PoolClosedError
   */
  run(plan: Plan, options?: { keepTrace?: boolean }): Promise<RunResult>
  /** Ends what runs, and refuses what waits. */
  close(): Promise<void>
}

export interface SimulatorPoolParts {
  readonly size: number
  start(): Simulator
  /** Time that no correction of the date moves. */
  readonly clock: Clock
  /** A run that takes longer hangs. */
  readonly longestRunMs: number
}

/** What was asked will not be run: somebody has had enough. */
export class PoolClosedError extends Error {
  override readonly name = 'PoolClosedError'
  constructor() {
    super('the simulations were stopped')
  }
}

interface Waiting {
  readonly task: Task
  resolve(result: RunResult): void
  reject(error: unknown): void
}

export function createSimulatorPool({ size, start, clock, longestRunMs }: SimulatorPoolParts): SimulatorPool {
  const idle: Simulator[] = []
  const busy = new Map<Simulator, Waiting>()
  const waiting: Waiting[] = []
  let isClosed = false

  function next(): void {
    while (!isClosed && busy.size < size) {
      const job = waiting.shift()
      if (job === undefined) return
      const simulator = idle.pop() ?? start()
      busy.set(simulator, job)
      void carryOut(simulator, job)
    }
  }

  async function carryOut(simulator: Simulator, { task, resolve, reject }: Waiting): Promise<void> {
    const startedAt = clock.now()
    const failed = (law: string, message: string) =>
      failedRun(task.plan, law, message, clock.now() - startedAt)
    let isHanging = false
    const forget = clock.after(milliseconds(longestRunMs), () => {
      isHanging = true
      busy.delete(simulator)
      void simulator.close()
      resolve(failed('ends in time', `the simulation did not end within ${longestRunMs / 1000} s`))
      next()
    })
    try {
      const result = await simulator.run(task)
      if (!isClosed && !isHanging) idle.push(simulator)
      resolve(result)
    } catch (error) {
      void simulator.close()
      if (error instanceof SimulatorLostError) resolve(failed('no crash', error.message))
      else reject(error)
    } finally {
      forget()
      busy.delete(simulator)
      next()
    }
  }

  return {
    size,
    run(plan, { keepTrace = false } = {}) {
      if (isClosed) return Promise.reject(new PoolClosedError())
      return new Promise((resolve, reject) => {
        waiting.push({ task: { plan, keepTrace }, resolve, reject })
        next()
      })
    },
    async close() {
      isClosed = true
      const error = new PoolClosedError()
      // First of all: a thread that is ended would else look like one that broke down.
      for (const { reject } of [...busy.values(), ...waiting.splice(0)]) reject(error)
      await Promise.all([...busy.keys(), ...idle.splice(0)].map((simulator) => simulator.close()))
    },
  }
}
