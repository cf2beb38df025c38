import type { Readiness } from '../observe/health.ts'

/** A process that does its work until it is told to stop. */
export interface RunningProcess {
  ready(): Readiness
  /** Finishes what was begun, and lets go of everything. */
  stop(): Promise<void>
}
