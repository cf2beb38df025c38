import type { Fault } from '../plan/faults.ts'

type Lasting = Extract<Fault, { lasts: number }>
export type FaultOf<Type extends Fault['type']> = Extract<Fault, { type: Type }>

/** The faults of a plan that last for a while: which of them are going on now. Nothing lasts longer than the plan. */
export class FaultWindows {
  readonly #byType = new Map<string, Lasting[]>()

  constructor(
    faults: readonly Fault[],
    readonly now: () => number,
    readonly end: number,
  ) {
    for (const fault of faults) {
      if (!('lasts' in fault)) continue
      const known = this.#byType.get(fault.type)
      if (known === undefined) this.#byType.set(fault.type, [fault])
      else known.push(fault)
    }
  }

  /** The ones of a type that go on now. */
  active<Type extends Lasting['type']>(type: Type): FaultOf<Type>[] {
    const all = this.#byType.get(type)
    if (all === undefined || this.now() >= this.end) return []
    const now = this.now()
    return all.filter(
      (fault): fault is Extract<Lasting, { type: Type }> =>
        fault.type === type && fault.at <= now && now < fault.at + fault.lasts,
    ) as FaultOf<Type>[]
  }

  /** When it is over, in milliseconds from now. */
  remaining(fault: Lasting): number {
    return Math.min(fault.at + fault.lasts, this.end) - this.now()
  }

  isCut(from: string, to: string): boolean {
    return this.active('cut').some((cut) => matches(cut.from, from) && matches(cut.to, to))
  }
}

/** @param pattern the name of a process, or `*` */
export function matches(pattern: string, name: string): boolean {
  return pattern === '*' || pattern === name
}
