import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Plan } from '../../../simulations/plan/plan.ts'
import type { RunResult } from '../../../simulations/runner/result.ts'
import { answerSchema } from '../../../simulations/runner/worker-messages.ts'

export interface Hunt {
  /** The first run that broke a law; undefined: none did. */
  readonly caught: RunResult | undefined
  readonly runs: number
  readonly simulatedMs: number
  readonly wallMs: number
}

/** Runs the plans on the product in `directory`, until one breaks a law. */
export async function hunt(directory: string, plans: Iterable<Plan>): Promise<Hunt> {
  const worker = new Worker(join(directory, 'simulations', 'runner', 'worker.js'))
  const sum = { runs: 0, simulatedMs: 0, wallMs: 0 }
  try {
    for (const plan of plans) {
      const result = await run(worker, plan)
      sum.runs += 1
      sum.simulatedMs += result.simulatedMs
      sum.wallMs += result.wallMs
      if (result.violations.length > 0) return { caught: result, ...sum }
    }
    return { caught: undefined, ...sum }
  } finally {
    await worker.terminate()
  }
}

async function run(worker: Worker, plan: Plan): Promise<RunResult> {
  const over = new AbortController()
  const ended = once(worker, 'exit', over).then(([code]) => {
    throw new Error(`the thread ended with exit code ${code}`)
  })
  ended.catch(() => {})
  worker.postMessage({ plan, keepTrace: false })
  const [message]: unknown[] = await Promise.race([once(worker, 'message', over), ended])
  over.abort()
  const answer = answerSchema.parse(message)
  if (answer.type === 'threw') throw new Error(answer.error)
  return answer.result
}
