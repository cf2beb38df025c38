import type { Fault } from '../plan/faults.ts'
import type { Plan } from '../plan/plan.ts'
import { describeFault, endOfFault, processesOfFault } from './fault-text.ts'

/** A fault as a bar beside the lanes. */
export interface FaultBar {
  readonly fault: Fault
  readonly text: string
  /** Within the time that is shown. */
  readonly from: number
  /** `undefined` when it goes on beyond. */
  readonly to: number | undefined
  /** Bars of one column do not overlap. */
  readonly column: number
  readonly processes: readonly string[]
}

/** More bars than this say nothing: the latest are shown. */
const MOST = 12

/** The faults of a plan that were there between `from` and `to`. */
export function faultBars({ faults, durationMs }: Plan, from: number, to: number): FaultBar[] {
  const shown = faults
    .filter((fault) => fault.at <= to && endOfFault(fault, durationMs) >= from)
    .toSorted((a, b) => a.at - b.at)
    .slice(-MOST)
  const columnEnds: number[] = []
  return shown.map((fault) => {
    const end = endOfFault(fault, durationMs)
    const free = columnEnds.findIndex((until) => until < fault.at)
    const column = free === -1 ? columnEnds.length : free
    columnEnds[column] = end
    return {
      fault,
      text: describeFault(fault),
      from: Math.max(from, fault.at),
      to: end > to ? undefined : end,
      column,
      processes: processesOfFault(fault),
    }
  })
}
