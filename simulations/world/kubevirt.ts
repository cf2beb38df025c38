import type { NicPlan } from '../plan/operations.ts'
import type { Chance } from './chance.ts'
import type { GoesOn } from './guest-clock.ts'
import type { Guests } from './guests.ts'
import type { LostNodes } from './lost-nodes.ts'
import type { MachineObjects } from './machine-objects.ts'
import type { Scheduler } from './scheduler.ts'

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

export interface KubeVirtParts {
  readonly objects: MachineObjects
  readonly scheduler: Scheduler
  readonly guests: Guests
  readonly chance: Chance
  readonly lostNodes: LostNodes
}

const BOOT = [500, 4_000] as const
const SHUTDOWN = [100, 3_000] as const
const MOVE = [50, 1_500] as const

/** KubeVirt, as far as VMs and their instances show it to others, and the guests that run in it. */
export class KubeVirt {
  readonly #parts: KubeVirtParts
  readonly #machines = new Map<string, Machine>()
  /** Incarnations that somebody else let go. */
  readonly #forced = new Set<string>()

  constructor(parts: KubeVirtParts) {
    this.#parts = parts
  }

  create(vm: string, nics: readonly NicPlan[], running: boolean): void {
    const { objects } = this.#parts
    if (this.#machines.get(vm)?.isWanted) return
    const incarnation = (this.#machines.get(vm)?.incarnation ?? 0) + 1
    const machine = this.#wish(vm, { nics, lagging: [], isWanted: true, isRunning: running, incarnation })
    objects.until(async () => {
      // The one before is on its way out: whoever wants another of its name waits.
      if (!(await objects.create(vm, machine.nics, running))) return false
      if (running) this.#start(vm, machine)
      return true
    })
  }

  start(vm: string): void {
    const known = this.#machines.get(vm)
    if (!known?.isWanted || known.isRunning) return
    const nics = known.nics.map((nic) => this.#withMac(nic))
    const machine = this.#wish(vm, { ...known, nics, lagging: [], isRunning: true })
    this.#update(vm, machine, () => this.#start(vm, machine))
  }

  stop(vm: string): void {
    const known = this.#machines.get(vm)
    if (!known?.isWanted || !known.isRunning) return
    const machine = this.#wish(vm, { ...known, isRunning: false })
    this.#update(vm, machine, () =>
      this.#shutDown(
        vm,
        () => !this.#isToRun(vm, machine),
        () => {},
      ),
    )
  }

  delete(vm: string): void {
    const { objects, guests } = this.#parts
    const known = this.#machines.get(vm)
    if (!known?.isWanted) return
    const machine = this.#wish(vm, { ...known, isWanted: false, isRunning: false })
    guests.forgetSnapshot(vm)
    objects.until(async () => {
      await objects.remove(vm)
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
    const known = this.#machines.get(vm)
    if (known === undefined || !this.#isToRun(vm, known)) return
    const done = () => {
      const now = this.#machines.get(vm)
      if (now !== undefined && this.#isToRun(vm, now)) this.#start(vm, now)
    }
    this.#parts.lostNodes.lose(vm, known.incarnation, { lasts, isCutOff, done })
  }

  force(vm: string, what: 'instance' | 'machine'): void {
    const { lostNodes } = this.#parts
    const known = this.#machines.get(vm)
    if (what === 'instance') return lostNodes.forceInstance(vm)
    if (known === undefined || known.isWanted || !lostNodes.isWaitedFor(vm)) return
    this.#letGo(vm, known)
  }

  reboot(vm: string): void {
    const known = this.#machines.get(vm)
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
    if (this.#machines.get(vm)?.isWanted) this.#parts.guests.snapshot(vm)
  }

  restore(vm: string, what: 'disk' | 'memory', clock: GoesOn): void {
    const { guests } = this.#parts
    const known = this.#machines.get(vm)
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

  addNic(vm: string, nic: NicPlan): void {
    const known = this.#machines.get(vm)
    if (!known?.isWanted || known.nics.some(({ name }) => name === nic.name)) return
    const machine = this.#wish(vm, { ...known, nics: [...known.nics, nic] })
    this.#update(vm, machine, () =>
      this.#later(BOOT, () => {
        if (machine.isRunning && this.#parts.guests.isRunning(vm)) this.#plug(vm, nic)
        else this.#catchUp(vm, machine)
      }),
    )
  }

  removeNic(vm: string, nic: string): void {
    const known = this.#machines.get(vm)
    if (!known?.isWanted || known.nics.length < 2) return
    const rest = known.nics.filter(({ name }) => name !== nic)
    if (rest.length === known.nics.length) return
    // KubeVirt unplugs what is marked `absent`, and then it may be taken out of the spec.
    const lagging = known.lagging.filter(({ name }) => name !== nic)
    const leaving = this.#wish(vm, { ...known, lagging })
    this.#update(
      vm,
      leaving,
      () =>
        this.#later(SHUTDOWN, () => {
          this.#parts.guests.unplug(vm, nic)
          if (!this.#isCurrent(vm, leaving)) return
          const machine = this.#wish(vm, { ...leaving, nics: rest })
          this.#update(vm, machine, () => this.#catchUp(vm, machine))
        }),
      nic,
    )
  }

  /** Another network, MAC or pin for a NIC; the guest follows after a moment, or when it is started again. */
  changeNic(vm: string, nic: string, change: Partial<NicPlan>, follows?: 'restart'): void {
    const { guests } = this.#parts
    const known = this.#machines.get(vm)
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
    const machine = this.#wish(vm, { ...known, nics, lagging })
    this.#update(vm, machine, () => {
      if (isLagging) return
      this.#later(BOOT, () => {
        if (isReplugged && guests.isRunning(vm)) guests.unplug(vm, nic)
        this.#catchUp(vm, machine)
      })
    })
  }

  #wish(vm: string, machine: Omit<Machine, 'wish'>): Machine {
    const wish = (this.#machines.get(vm)?.wish ?? 0) + 1
    const next = { ...machine, wish }
    this.#machines.set(vm, next)
    return next
  }

  #isCurrent(vm: string, machine: Machine): boolean {
    return this.#machines.get(vm)?.wish === machine.wish
  }

  /** The VM of which `machine` tells is still the one of that name, and is to run. */
  #isToRun(vm: string, { incarnation }: Machine): boolean {
    const now = this.#machines.get(vm)
    return now?.incarnation === incarnation && now.isWanted && now.isRunning
  }

  #start(vm: string, machine: Machine): void {
    const { objects, lostNodes } = this.#parts
    this.#later(BOOT, () => {
      if (!this.#isToRun(vm, machine)) return
      objects.until(async () => {
        const object = await objects.find(vm)
        if (object === undefined || !this.#isToRun(vm, machine)) return true
        if (lostNodes.isWaitedFor(vm)) return false
        await objects.createInstance(object, asRunning(this.#machines.get(vm) ?? machine))
        this.#later(BOOT, () => this.#boot(vm, machine))
        return true
      })
    })
  }

  /** The guest of the VM of which `machine` tells, with what it has by now. */
  #boot(vm: string, machine: Machine): void {
    const { guests, lostNodes } = this.#parts
    if (!this.#isToRun(vm, machine) || lostNodes.isWaitedFor(vm)) return
    guests.boot(vm, asRunning(this.#machines.get(vm) ?? machine))
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

  /** A guest that boots after a change has what the spec says now. */
  #catchUp(vm: string, machine: Machine): void {
    if (!machine.isRunning || !this.#isCurrent(vm, machine) || !this.#parts.guests.isRunning(vm)) return
    for (const nic of asRunning(machine)) this.#plug(vm, nic)
  }

  #plug(vm: string, nic: NicPlan): void {
    const { guests, objects } = this.#parts
    guests.plug(vm, nic)
    if (nic.macIn !== 'instance') return
    objects.until(async () => {
      const machine = this.#machines.get(vm)
      if (machine !== undefined) await objects.reportInstance(vm, { nics: asRunning(machine) })
      return true
    })
  }

  #update(vm: string, { nics, isRunning }: Machine, done: () => void, absent?: string): void {
    const { objects } = this.#parts
    objects.until(async () => {
      await objects.update(vm, nics, isRunning, absent)
      done()
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

function asRunning({ nics, lagging }: Machine): NicPlan[] {
  return nics.map((nic) => lagging.find(({ name }) => name === nic.name) ?? nic)
}
