import { Worker } from 'node:worker_threads'
import type { RunResult } from './result.ts'
import { answerSchema, type Task } from './worker-messages.ts'

/** A place where one simulation runs after the other. */
export interface Simulator {
  /**
   * MUST NOT be called while another runs.
   * @throws SimulatorLostError, after which it is of no use any more
   */
  run(task: Task): Promise<RunResult>
  /** Ends what runs. */
  close(): Promise<void>
}

/** The place of a simulation broke down under it: out of memory, or an error that nobody caught. */
export class SimulatorLostError extends Error {
  override readonly name = 'SimulatorLostError'
}

/** A thread of its own. Needs the compiled program: a thread of Node 20 cannot load TypeScript. */
export function startSimulator(): Simulator {
  const worker = new Worker(new URL('./worker.js', import.meta.url))
  const lost = (why: string, cause?: unknown) =>
    new SimulatorLostError(why, cause === undefined ? {} : { cause })
  let isLost: SimulatorLostError | undefined
  return {
    run(task) {
      return new Promise<RunResult>((resolve, reject) => {
        const over = (settle: () => void) => {
          worker.off('message', heard).off('error', failed).off('exit', ended).off('messageerror', failed)
          settle()
        }
        const refuse = (error: SimulatorLostError) => {
          isLost = error
          over(() => reject(error))
        }
        const heard = (message: unknown) => {
          const answer = answerSchema.safeParse(message)
          if (!answer.success) return refuse(lost('the thread answered nonsense', answer.error))
          if (answer.data.type === 'threw') return refuse(lost(answer.data.error))
          const { result } = answer.data
          over(() => resolve(result))
        }
        const failed = (error: Error) => refuse(lost(error.stack ?? error.message, error))
        const ended = (code: number) => refuse(lost(`the thread ended with exit code ${code}`))
        if (isLost !== undefined) return reject(isLost)
        worker.on('message', heard).on('error', failed).on('exit', ended).on('messageerror', failed)
        worker.postMessage(task)
      })
    },
    async close() {
      await worker.terminate()
    },
  }
}
