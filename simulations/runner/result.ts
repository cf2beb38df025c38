import type { Plan } from '../plan/plan.ts'
import type { TraceEntry } from '../trace/trace.ts'

/** A law of the design that did not hold. */
export interface Violation {
  /** Which one, in a few words: `one holder`, `commit before reply`. The same fault has the same law in every run. */
  readonly law: string
  /** Milliseconds of true time since the simulation began. */
  readonly at: number
  /** Who held what, when, by which message: may have several lines. */
  readonly message: string
  /** As in a TraceEntry. */
  readonly about: readonly string[]
}

/** What one simulation came to. */
export interface RunResult {
  readonly plan: Plan
  readonly violations: readonly Violation[]
  /** SHA-256 of the whole trace: two runs of one plan have the same. */
  readonly digest: string
  readonly simulatedMs: number
  /** Turns of the scheduler. */
  readonly events: number
  readonly wallMs: number
  /** How often each fault met each state: `crash × pool writing` → 3. */
  readonly coverage: Readonly<Record<string, number>>
  /** Kept when something was violated, or when it was asked for. */
  readonly trace?: readonly TraceEntry[]
}
