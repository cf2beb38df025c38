import type { Variables } from '../../../src/lab/clients/lease.ts'
import { REPORT, REPORT_END } from './system.ts'

/** What the guest's DHCP client called its script with. */
export interface LeaseReport {
  /** bound, renew, deconfig, nak, leasefail. */
  readonly reason: string
  readonly variables: Variables
}

const EXIT = '@exit'

/** The shell line that runs `command` and says how it ended. */
export function shellLine(id: number, command: string): string {
  return `{ echo ${EXIT} ${id} begin; { ${command}; } </dev/null 2>&1; echo ${EXIT} ${id} end $?; }\n`
}

/** The reports on a console, oldest first; one that is not complete yet is left out. */
export function reportsOf(text: string): LeaseReport[] {
  const pattern = new RegExp(`^${REPORT} (\\w+)\\n([^@]*)^${REPORT_END}$`, 'gm')
  return [...plain(text).matchAll(pattern)].map(([, reason = '', lines = '']) => ({
    reason,
    variables: new Map(
      lines
        .split('\n')
        .filter((line) => line.includes('='))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
  }))
}

export interface CommandOutcome {
  readonly exitCode: number
  readonly output: string
}

/** @returns undefined while it runs */
export function outcomeOf(text: string, id: number): CommandOutcome | undefined {
  const pattern = new RegExp(`^${EXIT} ${id} begin\\n([\\s\\S]*?)^${EXIT} ${id} end (\\d+)$`, 'm')
  const found = pattern.exec(plain(text))
  return found === null ? undefined : { output: found[1] ?? '', exitCode: Number(found[2]) }
}

/** A serial line ends lines with CR LF. */
function plain(text: string): string {
  return text.replaceAll('\r', '')
}
