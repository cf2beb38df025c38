import type { TraceEntry, TraceKind } from '../trace/trace.ts'
import { isLost, type StoryLine, toLine } from './story-line.ts'
import { grouped } from './text.ts'
import { formatMoment } from './time-text.ts'

/** A run of familiar entries that is not longer is told in full. */
const SHORT = 5
/** Of a longer one the last round is told, up to so many: it leads up to what comes next. */
const KEPT = 4
/** A fault, an operation or a step is familiar when it came so few entries ago. */
const RECENT = 24

const TURNS: readonly TraceKind[] = ['fault', 'operation', 'step', 'violation']

/**
 * The entries as lines, with what only repeats told once: renewals are shown the first time and counted from then on,
 * until a fault, an operation or a step that is not a repetition itself makes everything worth showing again.
 */
export function collapseRepetition(entries: readonly TraceEntry[]): StoryLine[] {
  const lines: StoryLine[] = []
  const lastSeen = new Map<string, number>()
  let chapter = new Set<string>()
  let familiar: TraceEntry[] = []
  const flush = () => {
    lines.push(...tellFamiliar(familiar))
    familiar = []
  }
  entries.forEach((entry, i) => {
    const shape = shapeOf(entry)
    const isTurn = TURNS.includes(entry.kind)
    const isFamiliar = isTurn ? i - (lastSeen.get(shape) ?? -Infinity) <= RECENT : chapter.has(shape)
    if (isFamiliar) familiar.push(entry)
    else {
      flush()
      if (isTurn) chapter = new Set()
      lines.push(toLine(entry))
    }
    chapter.add(shape)
    lastSeen.set(shape, i)
  })
  flush()
  return lines
}

function tellFamiliar(entries: readonly TraceEntry[]): StoryLine[] {
  if (entries.length <= SHORT) return entries.map(toLine)
  const kept = Math.min(KEPT, new Set(entries.map(shapeOf)).size)
  const counted = entries.slice(0, -kept)
  const first = counted[0]
  const last = counted.at(-1)
  if (first === undefined || last === undefined) return []
  const repeated: StoryLine = {
    type: 'repeated',
    at: first.at,
    until: last.at,
    entries: counted.length,
    rounds: roundsOf(counted),
  }
  return [repeated, ...entries.slice(-kept).map(toLine)]
}

/** How often each kind of entry came, when they came equally often (the last round may be under way). */
function roundsOf(entries: readonly TraceEntry[]): number | undefined {
  const counts = new Map<string, number>()
  for (const entry of entries) counts.set(shapeOf(entry), (counts.get(shapeOf(entry)) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return Math.min(...counts.values()) >= most - 1 && most > 1 ? most : undefined
}

/** What entries that repeat each other have in common: numbers differ, addresses do not. */
function shapeOf(entry: TraceEntry): string {
  const text = entry.text.replaceAll(VARYING, (part) => (part.includes(':') || isAddress(part) ? part : '#'))
  return [entry.kind, entry.who, entry.to, isLost(entry), ...entry.about, text].join('|')
}

/** MAC addresses and IPv4 addresses are found first, so that the numbers in them are left alone. */
const VARYING =
  /(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|\d+(?:\.\d+){3}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-f]+|\d+/gi

const isAddress = (text: string) => /^\d+(\.\d+){3}$/.test(text)

/** "… 14 rounds like this, until +0:31:00.000" */
export function describeRepeated(line: Extract<StoryLine, { type: 'repeated' }>): string {
  const what =
    line.rounds === undefined
      ? `${grouped(line.entries)} more like these`
      : line.rounds === line.entries
        ? `${grouped(line.entries)} more like this`
        : `${grouped(line.rounds)} rounds like this`
  return `… ${what}, until ${formatMoment(line.until)}`
}

/** "… 1,204 entries left out" */
export function describeLeftOut(line: Extract<StoryLine, { type: 'left-out' }>): string {
  return `… ${grouped(line.entries)} entries left out`
}
