import { createHash } from 'node:crypto'
import type { TraceEntry } from './trace.ts'

/** Writes down what happens, and a digest of all of it. */
export interface TraceRecorder {
  add(entry: Omit<TraceEntry, 'at'>): void
  /** What no story tells, and what two runs of one plan have alike all the same. */
  stamp(detail: unknown): void
  readonly entries: readonly TraceEntry[]
  /** SHA-256 of everything so far, in hexadecimal. */
  digest(): string
}

/** @param now milliseconds of true time since the simulation began */
export function createTraceRecorder(now: () => number): TraceRecorder {
  const entries: TraceEntry[] = []
  const hash = createHash('sha256')
  return {
    entries,
    add(entry) {
      const stamped = { at: now(), ...entry }
      entries.push(stamped)
      hash.update(JSON.stringify(stamped))
    },
    stamp(detail) {
      hash.update(JSON.stringify([now(), detail]))
    },
    digest: () => hash.copy().digest('hex'),
  }
}
