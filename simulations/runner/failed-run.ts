import type { Plan } from '../plan/plan.ts'
import type { RunResult } from './result.ts'

/** What a simulation came to that could not be told from within: it threw, its thread died, or it did not end. */
export function failedRun(plan: Plan, law: string, message: string, wallMs: number): RunResult {
  return {
    plan,
    violations: [{ law, at: 0, message, about: [] }],
    digest: '',
    simulatedMs: 0,
    events: 0,
    wallMs,
    coverage: {},
  }
}
