import pino, { type Logger } from 'pino'
import * as z from 'zod'
import type { Life } from './life.ts'

/** An error that a process logged. */
export interface LoggedError {
  readonly process: string
  readonly message: string
  /** The name of the error's class, and what it said. */
  readonly error: { readonly type: string; readonly message: string; readonly stack: string } | undefined
}

const lineSchema = z.object({
  msg: z.string().default(''),
  err: z
    .object({ type: z.string(), message: z.string().default(''), stack: z.string().default('') })
    .optional(),
})

/** The log of one life: what is worse than a warning is told, the rest is not even formatted. */
export function createProcessLog(life: Life, told: (error: LoggedError) => void): Logger {
  return pino(
    { level: 'error', base: null, timestamp: false },
    {
      write(line) {
        if (!life.alive) return
        const { msg, err } = lineSchema.parse(JSON.parse(line))
        told({ process: life.process, message: msg, error: err })
      },
    },
  )
}
