import { inColumns } from './columns.ts'
import { counted, printable, widthOf } from './text.ts'

/** How often each fault met each state, by `fault × state`. */
export type Coverage = Readonly<Record<string, number>>

interface CountedPair {
  readonly fault: string
  readonly state: string
  readonly count: number
}

const BETWEEN = ' × '
const NEVER = '·'

/** The sum over runs. */
export function mergeCoverage(runs: Iterable<Coverage>): Coverage {
  const sum = new Map<string, number>()
  for (const run of runs) {
    for (const [pair, count] of Object.entries(run)) sum.set(pair, (sum.get(pair) ?? 0) + count)
  }
  return Object.fromEntries([...sum].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Of the pairs that were to be reached, those that never were; a longer pair that begins so counts. */
export function neverReached(declared: Iterable<string>, coverage: Coverage): string[] {
  const reached = Object.keys(coverage).filter((pair) => (coverage[pair] ?? 0) > 0)
  return [...new Set(declared)].filter((pair) => !reached.some((longer) => longer.startsWith(pair)))
}

/**
 * Rows are faults, columns states; states whose names are too long for `width` columns get numbers, with a legend. A pair
 * that is declared and was never reached has its cell, even when nothing else is in its row.
 */
export function renderCoverage(coverage: Coverage, width: number, declared: Iterable<string> = []): string {
  const missing = neverReached(declared, coverage)
  const pairs = [...new Set([...Object.keys(coverage), ...missing])].map((pair) => ({
    ...parsePair(pair),
    count: coverage[pair] ?? 0,
  }))
  const faults = [...new Set(pairs.map((pair) => pair.fault))].sort()
  const states = [...new Set(pairs.map((pair) => pair.state))].sort()
  if (faults.length === 0) return 'no fault met any state\n'
  const rows = faults.map((fault) => [fault, ...states.map((state) => cellOf(pairs, fault, state))])
  const named = columnsOf([['', ...states], ...rows])
  if (widestLine(named) <= width) return named + renderMissing(missing)
  const numbers = states.map((_, i) => String(i + 1))
  const legend = inColumns(
    states.map((state, i) => [`  ${numbers[i]}`, state]),
    (column) => column === 0,
  )
  return `${columnsOf([['', ...numbers], ...rows])}\n${legend}${renderMissing(missing)}`
}

const columnsOf = (rows: readonly (readonly string[])[]) => inColumns(rows, (column) => column > 0)
const widestLine = (text: string) => Math.max(...text.split('\n').map(widthOf))

function renderMissing(missing: readonly string[]): string {
  if (missing.length === 0) return ''
  const lines = missing.map((pair) => `  ${printable(pair)}\n`)
  return `\n${counted(missing.length, 'pair')} to be reached and never reached:\n${lines.join('')}`
}

function cellOf(pairs: readonly CountedPair[], fault: string, state: string): string {
  const count = pairs.find((pair) => pair.fault === fault && pair.state === state)?.count ?? 0
  return count === 0 ? NEVER : String(count)
}

function parsePair(pair: string): { fault: string; state: string } {
  const [fault = '', state = 'any state'] = printable(pair).split(BETWEEN)
  return { fault, state }
}
