import type { Plan } from '../plan/plan.ts'
import type { Violation } from '../runner/result.ts'
import type { TraceEntry, TraceKind } from '../trace/trace.ts'
import { relatedTo } from './related.ts'
import { collapseRepetition } from './repetition.ts'
import { entriesOf, lastOf, type StoryLine } from './story-line.ts'

/** What led to a violation, in order of time; the violation itself is not among the lines. */
export interface Story {
  readonly violation: Violation
  readonly lines: readonly StoryLine[]
}

export interface StoryOptions {
  /** Lines before the violation that are told one by one. */
  readonly lastLines?: number
  /** Of what came before those, how many leases, operations, steps and faults are told. */
  readonly keyMoments?: number
}

/** Operations that have nothing to do with the violation are told when they came shortly before, the last of them. */
const BYSTANDERS = { within: 60_000, most: 8 }

/** Lower comes first when not all key moments are told. */
const KEY_MOMENTS: Readonly<Partial<Record<TraceKind, number>>> = {
  violation: 0,
  lease: 0,
  operation: 1,
  step: 2,
  fault: 3,
}

/** Selects from the trace of a run what belongs to one violation. */
export function tellStory(
  trace: readonly TraceEntry[],
  violation: Violation,
  plan: Plan,
  { lastLines = 60, keyMoments = 20 }: StoryOptions = {},
): Story {
  const before = upTo(violation, trace)
  const belongs = relatedTo(violation.about, before, plan)
  const bystanders = new Set(
    before
      .filter((it) => it.kind === 'operation' && it.at >= violation.at - BYSTANDERS.within && !belongs(it))
      .slice(-BYSTANDERS.most),
  )
  const chosen = before.filter((it) => belongs(it) || isAboutAll(it) || bystanders.has(it))
  const lines = collapseRepetition(chosen)
  const split = Math.max(0, lines.length - lastLines)
  const earlier = keepKeyMoments(lines.slice(0, split), keyMoments, (it) => !bystanders.has(it))
  return { violation, lines: [...earlier, ...lines.slice(split)] }
}

/** Steps of processes, and faults that befall no one in particular, belong to every story. */
function isAboutAll(entry: TraceEntry): boolean {
  return entry.kind === 'step' || (entry.kind === 'fault' && entry.about.length === 0)
}

function upTo(violation: Violation, trace: readonly TraceEntry[]): readonly TraceEntry[] {
  const own = trace.findIndex(
    (it) => it.kind === 'violation' && it.at === violation.at && sameNames(it.about, violation.about),
  )
  if (own !== -1) return trace.slice(0, own)
  const after = trace.findIndex((it) => it.at > violation.at)
  return after === -1 ? trace : trace.slice(0, after)
}

const sameNames = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((name, i) => name === b[i])

/** The `most` key moments, the latest of the most telling kinds; what lies between is counted. */
function keepKeyMoments(
  lines: readonly StoryLine[],
  most: number,
  isCandidate: (entry: TraceEntry) => boolean,
): StoryLine[] {
  const kept = new Set<StoryLine>(
    lines
      .flatMap((line, i) => {
        if (line.type !== 'entry' || !isCandidate(line.entry)) return []
        const rank = KEY_MOMENTS[line.entry.kind]
        return rank === undefined ? [] : [{ line, rank, i }]
      })
      .sort((a, b) => a.rank - b.rank || b.i - a.i)
      .slice(0, most)
      .map(({ line }) => line),
  )
  const told: StoryLine[] = []
  let dropped: StoryLine[] = []
  for (const line of lines) {
    if (!kept.has(line)) {
      dropped.push(line)
      continue
    }
    told.push(...leaveOut(dropped), line)
    dropped = []
  }
  return [...told, ...leaveOut(dropped)]
}

/** One line is told as well as that it is left out. */
function leaveOut(lines: readonly StoryLine[]): readonly StoryLine[] {
  const [first, second] = lines
  const last = lines.at(-1)
  if (first === undefined || second === undefined || last === undefined) return lines
  const entries = lines.reduce((sum, line) => sum + entriesOf(line), 0)
  return [{ type: 'left-out', at: first.at, until: lastOf(last), entries }]
}
