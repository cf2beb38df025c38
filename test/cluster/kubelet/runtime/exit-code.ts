import { constants } from 'node:os'
import * as z from 'zod'

const signalNumber = z.record(z.string(), z.number())

/** As shells and container runtimes count: 128 + n for a program that signal n ended. */
export function exitCodeOf(code: unknown, signal: unknown): number {
  if (typeof code === 'number') return code
  const number = signalNumber.parse(constants.signals)[String(signal)]
  return 128 + (number ?? 0)
}
