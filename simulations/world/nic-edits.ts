import type { NicPlan } from '../plan/operations.ts'
import type { Chance } from './chance.ts'
import type { Guests } from './guests.ts'
import type { MachineObjects } from './machine-objects.ts'
import { asRunning, type Machine, type Machines } from './machines.ts'
import type { Scheduler } from './scheduler.ts'

export interface NicEditsParts {
  readonly machines: Machines
  readonly objects: MachineObjects
  readonly guests: Guests
  readonly scheduler: Scheduler
  readonly chance: Chance
}

const PLUG = [500, 4_000] as const
const UNPLUG = [100, 3_000] as const

/** NICs of VMs that come, go and change: in the VM object at once, in its guest later. */
export class NicEdits {
  readonly #parts: NicEditsParts

  constructor(parts: NicEditsParts) {
    this.#parts = parts
  }

  add(vm: string, nic: NicPlan): void {
    const known = this.#parts.machines.get(vm)
    if (!known?.isWanted || known.nics.some(({ name }) => name === nic.name)) return
    const machine = this.#parts.machines.wish(vm, { ...known, nics: [...known.nics, nic] })
    this.#parts.objects.write(vm, machine, () =>
      this.#later(PLUG, () => {
        if (machine.isRunning && this.#parts.guests.isRunning(vm)) this.#plug(vm, nic)
        else this.#catchUp(vm, machine)
      }),
    )
  }

  remove(vm: string, nic: string): void {
    const known = this.#parts.machines.get(vm)
    if (!known?.isWanted || known.nics.length < 2) return
    const rest = known.nics.filter(({ name }) => name !== nic)
    if (rest.length === known.nics.length) return
    // KubeVirt unplugs what is marked `absent`, and then it may be taken out of the spec.
    const lagging = known.lagging.filter(({ name }) => name !== nic)
    const leaving = this.#parts.machines.wish(vm, { ...known, lagging })
    this.#parts.objects.write(
      vm,
      leaving,
      () =>
        this.#later(UNPLUG, () => {
          this.#parts.guests.unplug(vm, nic)
          if (!this.#parts.machines.isCurrent(vm, leaving)) return
          const machine = this.#parts.machines.wish(vm, { ...leaving, nics: rest })
          this.#parts.objects.write(vm, machine, () => this.#catchUp(vm, machine))
        }),
      nic,
    )
  }

  /** Another network, MAC or pin for a NIC; the guest follows after a moment, or when it is started again. */
  change(vm: string, nic: string, change: Partial<NicPlan>, follows?: 'restart'): void {
    const { guests } = this.#parts
    const known = this.#parts.machines.get(vm)
    if (!known?.isWanted) return
    const before = known.nics.find(({ name }) => name === nic)
    const nics = known.nics.map((entry) => (entry.name === nic ? { ...entry, ...change } : entry))
    const isReplugged = change.network !== undefined || change.mac !== undefined
    // A MAC that KubeVirt chose is the instance's as long as that runs.
    const isLate = follows === 'restart' || (change.mac !== undefined && before?.macIn === 'instance')
    const isLagging = before !== undefined && isReplugged && isLate && known.isRunning
    if (isLagging) guests.lags(vm)
    const others = known.lagging.filter(({ name }) => name !== nic)
    const had = known.lagging.find(({ name }) => name === nic) ?? before
    const lagging = isLagging && had !== undefined ? [...others, had] : isReplugged ? others : known.lagging
    const machine = this.#parts.machines.wish(vm, { ...known, nics, lagging })
    this.#parts.objects.write(vm, machine, () => {
      if (isLagging) return
      this.#later(PLUG, () => {
        if (isReplugged && guests.isRunning(vm)) guests.unplug(vm, nic)
        this.#catchUp(vm, machine)
      })
    })
  }

  /** A guest that boots after a change has what the spec says now. */
  #catchUp(vm: string, machine: Machine): void {
    if (
      !machine.isRunning ||
      !this.#parts.machines.isCurrent(vm, machine) ||
      !this.#parts.guests.isRunning(vm)
    )
      return
    for (const nic of asRunning(machine)) this.#plug(vm, nic)
  }

  #plug(vm: string, nic: NicPlan): void {
    const { guests, objects } = this.#parts
    guests.plug(vm, nic)
    if (nic.macIn !== 'instance') return
    objects.until(async () => {
      const machine = this.#parts.machines.get(vm)
      if (machine !== undefined) await objects.reportInstance(vm, { nics: asRunning(machine) })
      return true
    })
  }

  #later([from, to]: readonly [number, number], action: () => void): void {
    const { scheduler, chance } = this.#parts
    scheduler.after(chance.between(from, to), scheduler.outside, action)
  }
}
