import type { NicPlan } from '../plan/operations.ts'

export interface Machine {
  nics: readonly NicPlan[]
  /** NICs as the guest has them, which follows only when it is started again. */
  lagging: readonly NicPlan[]
  /** The VM object is to be there. */
  isWanted: boolean
  isRunning: boolean
  /** What was begun for an earlier wish is left alone. */
  wish: number
  /** Of the VMs of this name, the how-manieth. */
  incarnation: number
}

/** What KubeVirt was told to make of each VM. */
export class Machines {
  readonly #machines = new Map<string, Machine>()

  get(vm: string): Machine | undefined {
    return this.#machines.get(vm)
  }

  wish(vm: string, machine: Omit<Machine, 'wish'>): Machine {
    const next = { ...machine, wish: (this.get(vm)?.wish ?? 0) + 1 }
    this.#machines.set(vm, next)
    return next
  }

  /** Nothing else was wished since. */
  isCurrent(vm: string, machine: Machine): boolean {
    return this.get(vm)?.wish === machine.wish
  }

  /** The VM of which `machine` tells is still the one of that name, and is to run. */
  isToRun(vm: string, { incarnation }: Machine): boolean {
    const now = this.get(vm)
    return now?.incarnation === incarnation && now.isWanted && now.isRunning
  }
}

/** The NICs as a guest has them that runs since before the last edits. */
export function asRunning({ nics, lagging }: Machine): NicPlan[] {
  return nics.map((nic) => lagging.find(({ name }) => name === nic.name) ?? nic)
}
