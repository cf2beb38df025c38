import type { TraceEntry } from '../trace/trace.ts'

/** What a step makes of the process: it runs from now on, it is dead, it stands still, or none of these. */
export type StepMark = 'up' | 'down' | 'still' | 'other'

const UP = /^(starts|restarts|goes on|comes back)\b/
const DOWN = /^(crashes|is killed|stops|exits)\b/
const STILL = /^is stopped\b/

/** Read from the words of the step, which begin with a verb: `starts again`, `is stopped (SIGSTOP)`, `leads`. */
export function stepMark(entry: TraceEntry): StepMark {
  if (entry.kind !== 'step') return 'other'
  if (DOWN.test(entry.text)) return 'down'
  if (STILL.test(entry.text)) return 'still'
  return UP.test(entry.text) ? 'up' : 'other'
}
