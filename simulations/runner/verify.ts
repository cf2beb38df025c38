import type { Plan } from '../plan/plan.ts'
import type { TraceEntry } from '../trace/trace.ts'
import type { RunResult, Violation } from './result.ts'

/** The law that the same plan is the same run, to the byte. */
export const SAME_RUN = 'the same run twice'

/** Each plan two times, one after the other. */
export function* twice(plans: Iterable<Plan>): Generator<Plan, void, undefined> {
  for (const plan of plans) yield* [plan, plan]
}

/**
 * One result for each plan that was run twice; two runs that were not the same violate a law of their own. The last one is left out when it has no second.
 */
export async function* inPairs(
  results: AsyncIterable<RunResult>,
): AsyncGenerator<RunResult, void, undefined> {
  let first: RunResult | undefined
  for await (const result of results) {
    if (first === undefined) {
      first = result
      continue
    }
    yield compared(first, result)
    first = undefined
  }
}

function compared(first: RunResult, second: RunResult): RunResult {
  const both = {
    ...first,
    simulatedMs: first.simulatedMs + second.simulatedMs,
    events: first.events + second.events,
    wallMs: first.wallMs + second.wallMs,
  }
  if (first.digest === second.digest) return both
  const message = `the same plan was two different runs, of digests ${first.digest} and ${second.digest}`
  return {
    ...both,
    violations: [{ law: SAME_RUN, at: 0, message, about: [] }, ...first.violations],
  }
}

/** Where two runs of one plan went different ways; undefined when they did not. */
export function firstDifference(first: RunResult, second: RunResult): Violation | undefined {
  const [a = [], b = []] = [first.trace, second.trace]
  const index = a.findIndex((entry, at) => JSON.stringify(entry) !== JSON.stringify(b[at]))
  const differs = index === -1 ? a.length : index
  const [one, other] = [a[differs], b[differs]]
  if (one === undefined && other === undefined) return undefined
  return {
    law: SAME_RUN,
    at: Math.min(one?.at ?? Number.POSITIVE_INFINITY, other?.at ?? Number.POSITIVE_INFINITY),
    message: `entry ${differs} of the trace is not the same\nfirst: ${tell(one)}\nsecond: ${tell(other)}`,
    about: [...(one?.about ?? []), ...(other?.about ?? [])],
  }
}

function tell(entry: TraceEntry | undefined): string {
  return entry === undefined ? 'the trace ended' : `${entry.at} ${entry.who} ${entry.to ?? ''} ${entry.text}`
}
