import type { Measured } from './round.ts'

/** A table of what each fault cost, for people. */
export function tableOf(rows: readonly Measured[]): string {
  const lines = [
    ['fault', 'phase', 'new VMs bound: median', 'max', 'renewed: median', 'max'],
    ...rows.map(({ fault, phase, bound, renewed }) => [
      fault,
      phase,
      ...[median(bound), Math.max(...bound), median(renewed), Math.max(...renewed)].map(inSeconds),
    ]),
  ]
  const widths = lines.reduce<number[]>(
    (all, line) => line.map((cell, index) => Math.max(cell.length, all[index] ?? 0)),
    [],
  )
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

function inSeconds(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(1)} s` : '–'
}
