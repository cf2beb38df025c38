import type { TraceEntry } from '../trace/trace.ts'

/** What a step makes of the process: it runs from now on, it does not, or neither. */
export type StepMark = 'up' | 'down' | 'other'

const UP = /\b(start|restart|come(s)? back|boot|open|up again)/i
const DOWN = /\b(crash|kill|exit|stop|die|dead|shut|end)/i

/** Read from the words of the step, which begin with a verb: `starts`, `crashes`, `leads`. */
export function stepMark(entry: TraceEntry): StepMark {
  if (entry.kind !== 'step') return 'other'
  if (DOWN.test(entry.text)) return 'down'
  return UP.test(entry.text) ? 'up' : 'other'
}
