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

/** Of the pairs that were to be reached, those that never were. */
export function neverReached(declared: Iterable<string>, coverage: Coverage): string[] {
  return [...new Set(declared)].filter((pair) => (coverage[pair] ?? 0) === 0)
}

/**
 * Rows are faults, columns states, in tables side by side in one `width` as far as they fit, else one after the other.
 * A pair that is declared and was never reached has its cell, even when nothing else is in its row.
 */
export function renderCoverage(coverage: Coverage, width: number, declared: Iterable<string> = []): string {
  const wanted = [...declared]
  const pairs = [...new Set([...Object.keys(coverage), ...wanted])].map((pair) => ({
    ...parsePair(pair),
    count: coverage[pair] ?? 0,
  }))
  const faults = [...new Set(pairs.map((pair) => pair.fault))].sort()
  const states = [...new Set(pairs.map((pair) => pair.state))].sort()
  if (faults.length === 0) return 'no fault met any state\n'
  const margin = Math.max(...faults.map(widthOf))
  const tables = packColumns(states, width - margin).map((some) =>
    inColumns(
      [['', ...some], ...faults.map((fault) => [fault, ...some.map((state) => cellOf(pairs, fault, state))])],
      (column) => column > 0,
    ),
  )
  return `${tables.join('\n')}${renderMissing(neverReached(wanted, coverage))}`
}

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

/** The columns in groups that fit, at least one in each. */
function packColumns(states: readonly string[], width: number): string[][] {
  const groups: string[][] = []
  let left = 0
  for (const state of states) {
    const needs = widthOf(state) + 3
    const group = groups.at(-1)
    if (group === undefined || needs > left) {
      groups.push([state])
      left = width - needs
    } else {
      group.push(state)
      left -= needs
    }
  }
  return groups
}
