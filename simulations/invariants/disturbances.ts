import type { FaultOf, FaultWindows } from '../faults/windows.ts'
import type { Fault } from '../plan/faults.ts'
import type { RunningClient } from '../world/guests.ts'

/** What a liar or a damaged packet led to is over so long after them. */
const AFTERTHOUGHT = 15_000

export interface DisturbanceParts {
  readonly faults: readonly Fault[]
  readonly windows: FaultWindows
  /** When a VM was last cut off, as it is while it is moved. */
  mutedAt(vm: string): number | undefined
  /** The client is cut off now. */
  isMuted(client: string): boolean
}

/** When the packets of whom can be taken at their word. */
export class Disturbances {
  readonly #parts: DisturbanceParts

  constructor(parts: DisturbanceParts) {
    this.#parts = parts
  }

  /** Since when the packets of a client pass undisturbed; undefined: they do not now. */
  undisturbedSince({ name, network, vm }: RunningClient): number | undefined {
    const { windows, mutedAt, isMuted } = this.#parts
    if (isMuted(name)) return undefined
    if (windows.active('packets').some((fault) => fault.network === network)) return undefined
    const begun = this.#of('packets', network).filter(({ at }) => at <= windows.now())
    return Math.max(0, mutedAt(vm) ?? 0, ...begun.map(({ at, lasts }) => at + lasts))
  }

  /** No packet that is under way there was doubled or damaged, and nobody lies. */
  areIntact(network: string): boolean {
    const now = this.#parts.windows.now()
    const late = ({ delayMs }: FaultOf<'packets'>) => delayMs + AFTERTHOUGHT
    return !(
      this.#of('packets', network).some((fault) => isWithin(fault, now, late(fault))) ||
      this.#of('liar', network).some((fault) => isWithin(fault, now, AFTERTHOUGHT))
    )
  }

  #of<Type extends 'packets' | 'liar'>(type: Type, network: string): FaultOf<Type>[] {
    return this.#parts.faults.filter(
      (fault): fault is FaultOf<Type> =>
        fault.type === type && 'network' in fault && fault.network === network,
    )
  }
}

function isWithin({ at, lasts }: { at: number; lasts: number }, now: number, margin: number): boolean {
  return at <= now && now < at + lasts + margin
}
