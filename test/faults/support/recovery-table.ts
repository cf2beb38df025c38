import { formatTable } from '../../../src/observe/table.ts'

/** How long after a fault each client was answered. */
export interface Recovery {
  readonly fault: string
  readonly during: string
  /** One a client, in milliseconds since the fault. */
  readonly answeredMs: readonly number[]
  /** When a VM that was made after the fault had its lease. */
  readonly newcomerMs?: number
}

/** As `kubectl get` would show it, on standard output, so that a run tells its figures. */
export function printRecoveries(title: string, recoveries: readonly Recovery[]): void {
  const rows = recoveries.map(({ fault, during, answeredMs, newcomerMs }) => [
    ...[fault, during, String(answeredMs.length), inSeconds(median(answeredMs))],
    ...[inSeconds(Math.max(...answeredMs)), newcomerMs === undefined ? '' : inSeconds(newcomerMs)],
  ])
  const table = formatTable([['FAULT', 'DURING', 'CLIENTS', 'MEDIAN', 'LAST', 'NEW VM'], ...rows])
  process.stdout.write(`\n${title}: from the fault until a client is answered\n${table}`)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2
}

function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
