import type { NicPlan } from '../plan/operations.ts'
import type { Chance } from './chance.ts'
import type { GoesOn } from './guest-clock.ts'
import type { Guests } from './guests.ts'
import type { LostNodes } from './lost-nodes.ts'
import type { MachineObjects } from './machine-objects.ts'
import { asRunning, type Machine, type Machines } from './machines.ts'
import type { Scheduler } from './scheduler.ts'

export interface KubeVirtParts {
  readonly objects: MachineObjects
  readonly scheduler: Scheduler
  readonly guests: Guests
  readonly chance: Chance
  readonly lostNodes: LostNodes
  readonly machines: Machines
}

const BOOT = [500, 4_000] as const
const SHUTDOWN = [100, 3_000] as const
const MOVE = [50, 1_500] as const

/** KubeVirt, as far as VMs and their instances show it to others, and the guests that run in it. */
export class KubeVirt {
  readonly #parts: KubeVirtParts
  /** Incarnations that somebody else let go. */
  readonly #forced = new Set<string>()

  constructor(parts: KubeVirtParts) {
    this.#parts = parts
  }

  create(vm: string, nics: readonly NicPlan[], running: boolean): void {
    const { objects } = this.#parts
    if (this.#parts.machines.get(vm)?.isWanted) return
    const incarnation = (this.#parts.machines.get(vm)?.incarnation ?? 0) + 1
    const machine = this.#parts.machines.wish(vm, {
      nics,
      lagging: [],
      isWanted: true,
      isRunning: running,
      incarnation,
    })
    objects.until(async () => {
      const now = this.#parts.machines.get(vm)
      if (now?.incarnation !== incarnation || !now.isWanted) return true
      // The one before is on its way out: whoever wants another of its name waits.
      if (!(await objects.create(vm, machine.nics, running))) return false
      if (running) this.#start(vm, machine)
      return true
    })
  }

  start(vm: string): void {
    const known = this.#parts.machines.get(vm)
    if (!known?.isWanted || known.isRunning) return
    const nics = known.nics.map((nic) => this.#withMac(nic))
    const machine = this.#parts.machines.wish(vm, { ...known, nics, lagging: [], isRunning: true })
    this.#parts.objects.write(vm, machine, () => this.#start(vm, machine))
  }

  stop(vm: string): void {
    const known = this.#parts.machines.get(vm)
    if (!known?.isWanted || !known.isRunning) return
    const machine = this.#parts.machines.wish(vm, { ...known, isRunning: false })
    this.#parts.objects.write(vm, machine, () =>
      this.#shutDown(
        vm,
        () => !this.#parts.machines.isToRun(vm, machine),
        () => {},
      ),
    )
  }

  delete(vm: string): void {
    const { objects, guests } = this.#parts
    const known = this.#parts.machines.get(vm)
    if (!known?.isWanted) return
    const machine = this.#parts.machines.wish(vm, { ...known, isWanted: false, isRunning: false })
    guests.forgetSnapshot(vm)
    objects.until(async () => {
      // Who deletes it twice shuts it down once: the second time, the next of that name may run already.
      if (!(await objects.remove(vm))) return true
      this.#shutDown(
        vm,
        () => true,
        () => this.#letGo(vm, machine),
      )
      return true
    })
  }

  /** Its node cannot be reached any more: the guest runs on there for a while. */
  loseNode(vm: string, lasts: number, isCutOff: boolean): void {
    const known = this.#parts.machines.get(vm)
    if (known === undefined || !this.#parts.machines.isToRun(vm, known)) return
    const done = () => {
      const now = this.#parts.machines.get(vm)
      if (now !== undefined && this.#parts.machines.isToRun(vm, now)) this.#start(vm, now)
    }
    this.#parts.lostNodes.lose(vm, known.incarnation, { lasts, isCutOff, done })
  }

  force(vm: string, what: 'instance' | 'machine'): void {
    const { lostNodes } = this.#parts
    const known = this.#parts.machines.get(vm)
    if (what === 'instance') return lostNodes.forceInstance(vm)
    if (known === undefined || known.isWanted || !lostNodes.isWaitedFor(vm)) return
    this.#letGo(vm, known)
  }

  reboot(vm: string): void {
    const known = this.#parts.machines.get(vm)
    if (!known?.isRunning || !this.#parts.guests.isRunning(vm)) return
    this.#parts.guests.powerOff(vm, 'orderly')
    this.#later(BOOT, () => this.#boot(vm, known))
  }

  /** Nothing runs in the guest, and nothing reaches it; then it goes on. */
  pause(vm: string, lasts: number, clock: GoesOn): void {
    const { guests, scheduler } = this.#parts
    const goOn = guests.suspend(vm)
    if (goOn !== undefined) scheduler.after(lasts, scheduler.outside, () => goOn(clock))
  }

  snapshot(vm: string): void {
    if (this.#parts.machines.get(vm)?.isWanted) this.#parts.guests.snapshot(vm)
  }

  restore(vm: string, what: 'disk' | 'memory', clock: GoesOn): void {
    const { guests } = this.#parts
    const known = this.#parts.machines.get(vm)
    if (!known?.isWanted) return
    if (what === 'memory') return guests.restoreMemory(vm, clock)
    const isRunning = guests.isRunning(vm)
    guests.powerOff(vm, 'at-once')
    guests.restoreDisk(vm)
    if (isRunning) this.#later(BOOT, () => this.#boot(vm, known))
  }

  /** To another node: for a moment nothing reaches the guest, nor leaves it. */
  migrate(vm: string): void {
    if (!this.#parts.guests.isRunning(vm)) return
    this.#parts.guests.mute(vm)
    this.#later(MOVE, () => this.#parts.guests.unmute(vm))
    const nodeName = `node-${this.#parts.chance.integer(1, 9)}`
    this.#parts.objects.until(async () => {
      await this.#parts.objects.reportInstance(vm, { nodeName })
      return true
    })
  }

  #start(vm: string, machine: Machine): void {
    const { objects, lostNodes } = this.#parts
    this.#later(BOOT, () => {
      if (!this.#parts.machines.isToRun(vm, machine)) return
      objects.until(async () => {
        const object = await objects.find(vm)
        if (object === undefined || !this.#parts.machines.isToRun(vm, machine)) return true
        if (lostNodes.isWaitedFor(vm)) return false
        await objects.createInstance(object, asRunning(this.#parts.machines.get(vm) ?? machine))
        this.#later(BOOT, () => this.#boot(vm, machine))
        return true
      })
    })
  }

  /** The guest of the VM of which `machine` tells, with what it has by now. */
  #boot(vm: string, machine: Machine): void {
    const { guests, lostNodes } = this.#parts
    if (!this.#parts.machines.isToRun(vm, machine) || lostNodes.isWaitedFor(vm)) return
    guests.boot(vm, asRunning(this.#parts.machines.get(vm) ?? machine))
  }

  /** The guest first, its instance after it: an instance that is gone runs nothing. */
  #shutDown(vm: string, isStillWanted: () => boolean, gone: () => void): void {
    const { objects, guests, lostNodes } = this.#parts
    this.#later(SHUTDOWN, () => {
      if (!isStillWanted()) return
      guests.powerOff(vm, 'orderly')
      // Nobody can tell whether it is off; whoever can removes the instance.
      let isBeyondReach = lostNodes.isWaitedFor(vm)
      this.#later(SHUTDOWN, () =>
        objects.until(async () => {
          if (!isStillWanted()) return true
          isBeyondReach ||= lostNodes.isWaitedFor(vm)
          if (lostNodes.isWaitedFor(vm)) return false
          if (!isBeyondReach) await objects.removeInstance(vm)
          gone()
          return true
        }),
      )
    })
  }

  #letGo(vm: string, { incarnation }: Machine): void {
    const { objects, lostNodes } = this.#parts
    objects.until(async () => {
      const name = `${vm} ${incarnation}`
      // By now it may be another's.
      if (this.#forced.has(name)) return true
      this.#forced.add(name)
      await objects.letGo(vm)
      lostNodes.machineGone(vm, incarnation)
      return true
    })
  }

  /** KubeVirt has a range of MACs for NICs without one: an instance need not get the one that was before it. */
  #withMac(nic: NicPlan): NicPlan {
    const { chance } = this.#parts
    if (nic.macIn !== 'instance' || chance.happens(0.5)) return nic
    const hex = () => chance.integer(0, 255).toString(16).padStart(2, '0')
    return { ...nic, mac: `02:0b:${hex()}:${hex()}:${hex()}:${hex()}` }
  }

  #later([from, to]: readonly [number, number], action: () => void): void {
    const { scheduler, chance } = this.#parts
    scheduler.after(chance.between(from, to), scheduler.outside, action)
  }
}
