import { parentPort } from 'node:worker_threads'
import { simulate } from './simulate.ts'
import { type Answer, taskSchema } from './worker-messages.ts'

/** The entry of a thread that simulates: one plan at a time, because timers and chance of the thread are the plan's. */
parentPort?.on('message', (message: unknown) => {
  void answerTo(message).then((answer) => parentPort?.postMessage(answer))
})

async function answerTo(message: unknown): Promise<Answer> {
  try {
    const { plan, keepTrace } = taskSchema.parse(message)
    const { trace, violations, ...result } = await simulate(plan, { keepTrace })
    return {
      type: 'ran',
      result: {
        ...result,
        coverage: { ...result.coverage },
        violations: violations.map((it) => ({ ...it, about: [...it.about] })),
        // A trace is large: it crosses to the other thread only when somebody wants to read it.
        ...(keepTrace && trace !== undefined
          ? { trace: trace.map((it) => ({ ...it, about: [...it.about] })) }
          : {}),
      },
    }
  } catch (error) {
    return { type: 'threw', error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
