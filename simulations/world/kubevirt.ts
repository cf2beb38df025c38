import type { KubeObject } from '../../src/api/object.ts'
import { VIRTUAL_MACHINE_INSTANCES, VIRTUAL_MACHINES } from '../../src/api/resource.ts'
import { AlreadyExistsError, NotFoundError } from '../../src/kube/errors.ts'
import type { NicPlan } from '../plan/operations.ts'
import type { ApiServer } from './api-server.ts'
import type { Chance } from './chance.ts'
import { instanceObject, machineObject, machineSpec, NAMESPACE, pinAnnotations } from './cluster-objects.ts'
import type { Guests } from './guests.ts'
import type { Scheduler } from './scheduler.ts'

interface Machine {
  nics: readonly NicPlan[]
  /** The VM object is to be there. */
  isWanted: boolean
  isRunning: boolean
  /** What was begun for an earlier wish is left alone. */
  wish: number
  /** Of the VMs of this name, the how-manieth. */
  incarnation: number
}

const RETRY = 1_000
const BOOT = [500, 4_000] as const
const SHUTDOWN = [100, 3_000] as const
const MOVE = [50, 1_500] as const

/** KubeVirt, as far as VMs and their instances show it to others, and the guests that run in it. */
export class KubeVirt {
  readonly #api: ApiServer
  readonly #scheduler: Scheduler
  readonly #guests: Guests
  readonly #chance: Chance
  readonly #isApiDown: () => boolean
  readonly #machines = new Map<string, Machine>()

  constructor(parts: {
    api: ApiServer
    scheduler: Scheduler
    guests: Guests
    chance: Chance
    isApiDown: () => boolean
  }) {
    this.#api = parts.api
    this.#scheduler = parts.scheduler
    this.#guests = parts.guests
    this.#chance = parts.chance
    this.#isApiDown = parts.isApiDown
  }

  nics(vm: string): readonly NicPlan[] | undefined {
    const machine = this.#machines.get(vm)
    return machine?.isWanted ? machine.nics : undefined
  }

  create(vm: string, nics: readonly NicPlan[], running: boolean): void {
    if (this.#machines.get(vm)?.isWanted) return
    const incarnation = (this.#machines.get(vm)?.incarnation ?? 0) + 1
    const machine = this.#wish(vm, { nics, isWanted: true, isRunning: running, incarnation })
    this.#until(async () => {
      const now = this.#machines.get(vm)
      if (now?.incarnation !== incarnation || !now.isWanted) return true
      try {
        await this.#api.store.create(VIRTUAL_MACHINES, machineObject(vm, machine.nics, running))
      } catch (error) {
        // The one before is on its way out: whoever wants another of its name waits.
        if (error instanceof AlreadyExistsError) return false
        throw error
      }
      if (running) this.#start(vm, machine)
      return true
    })
  }

  start(vm: string): void {
    const known = this.#machines.get(vm)
    if (!known?.isWanted || known.isRunning) return
    const machine = this.#wish(vm, { ...known, isRunning: true })
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
    const known = this.#machines.get(vm)
    if (!known?.isWanted) return
    this.#wish(vm, { ...known, isWanted: false, isRunning: false })
    this.#until(async () => {
      const object = await found(this.#api.store.get(VIRTUAL_MACHINES, key(vm)))
      // Who deletes it twice shuts it down once: the second time, the next of that name may run already.
      if (object === undefined || object.metadata.deletionTimestamp !== undefined) return true
      await ignoringNotFound(this.#api.store.delete(VIRTUAL_MACHINES, key(vm)))
      this.#shutDown(
        vm,
        () => true,
        () =>
          this.#until(async () => {
            const body = { metadata: { finalizers: null } }
            await ignoringNotFound(this.#api.store.patch(VIRTUAL_MACHINES, key(vm), { type: 'merge', body }))
            return true
          }),
      )
      return true
    })
  }

  reboot(vm: string): void {
    const known = this.#machines.get(vm)
    if (!known?.isRunning || !this.#guests.isRunning(vm)) return
    this.#guests.powerOff(vm)
    this.#later(BOOT, () => {
      if (this.#isToRun(vm, known)) this.#guests.boot(vm, this.#machines.get(vm)?.nics ?? known.nics)
    })
  }

  /** To another node: for a moment nothing reaches the guest, nor leaves it. */
  migrate(vm: string): void {
    if (!this.#guests.isRunning(vm)) return
    this.#guests.mute(vm)
    this.#later(MOVE, () => this.#guests.unmute(vm))
    const node = `node-${this.#chance.integer(1, 9)}`
    this.#until(async () => {
      const patch = { type: 'merge' as const, body: { status: { nodeName: node } } }
      await ignoringNotFound(this.#api.store.patch(VIRTUAL_MACHINE_INSTANCES, key(vm), patch))
      return true
    })
  }

  addNic(vm: string, nic: NicPlan): void {
    const known = this.#machines.get(vm)
    if (!known?.isWanted || known.nics.some(({ name }) => name === nic.name)) return
    const machine = this.#wish(vm, { ...known, nics: [...known.nics, nic] })
    this.#update(vm, machine, () =>
      this.#later(BOOT, () => {
        if (machine.isRunning && this.#guests.isRunning(vm)) this.#guests.plug(vm, nic)
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
    const leaving = this.#wish(vm, { ...known })
    this.#update(
      vm,
      leaving,
      () =>
        this.#later(SHUTDOWN, () => {
          this.#guests.unplug(vm, nic)
          if (!this.#isCurrent(vm, leaving)) return
          const machine = this.#wish(vm, { ...leaving, nics: rest })
          this.#update(vm, machine, () => this.#catchUp(vm, machine))
        }),
      nic,
    )
  }

  /** Another network, MAC or pin for a NIC; the guest follows after a moment. */
  changeNic(vm: string, nic: string, change: Partial<NicPlan>): void {
    const known = this.#machines.get(vm)
    if (!known?.isWanted) return
    const nics = known.nics.map((entry) => (entry.name === nic ? { ...entry, ...change } : entry))
    const machine = this.#wish(vm, { ...known, nics })
    const isReplugged = change.network !== undefined || change.mac !== undefined
    this.#update(vm, machine, () =>
      this.#later(BOOT, () => {
        if (isReplugged && this.#guests.isRunning(vm)) this.#guests.unplug(vm, nic)
        this.#catchUp(vm, machine)
      }),
    )
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
    this.#later(BOOT, () => {
      if (!this.#isToRun(vm, machine)) return
      this.#until(async () => {
        const object = await found(this.#api.store.get(VIRTUAL_MACHINES, key(vm)))
        if (object === undefined || !this.#isToRun(vm, machine)) return true
        await this.#createInstance(object, this.#machines.get(vm)?.nics ?? machine.nics)
        this.#later(BOOT, () => {
          if (this.#isToRun(vm, machine)) this.#guests.boot(vm, this.#machines.get(vm)?.nics ?? machine.nics)
        })
        return true
      })
    })
  }

  async #createInstance(machine: KubeObject, nics: readonly NicPlan[]): Promise<void> {
    try {
      await this.#api.store.create(VIRTUAL_MACHINE_INSTANCES, instanceObject(machine, nics))
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error
    }
  }

  /** The guest first, its instance after it: an instance that is gone runs nothing. */
  #shutDown(vm: string, isStillWanted: () => boolean, gone: () => void): void {
    this.#later(SHUTDOWN, () => {
      if (!isStillWanted()) return
      this.#guests.powerOff(vm)
      this.#later(SHUTDOWN, () =>
        this.#until(async () => {
          if (!isStillWanted()) return true
          await ignoringNotFound(this.#api.store.delete(VIRTUAL_MACHINE_INSTANCES, key(vm)))
          gone()
          return true
        }),
      )
    })
  }

  /** A guest that boots after a change has what the spec says now. */
  #catchUp(vm: string, machine: Machine): void {
    if (!machine.isRunning || !this.#isCurrent(vm, machine) || !this.#guests.isRunning(vm)) return
    this.#guests.boot(vm, machine.nics)
  }

  #update(vm: string, machine: Machine, done: () => void, absent?: string): void {
    this.#until(async () => {
      const body = {
        metadata: { annotations: pinChanges(machine.nics) },
        spec: machineSpec(machine.nics, machine.isRunning, absent),
      }
      await ignoringNotFound(this.#api.store.patch(VIRTUAL_MACHINES, key(vm), { type: 'merge', body }))
      done()
      return true
    })
  }

  #later([from, to]: readonly [number, number], action: () => void): void {
    this.#scheduler.after(this.#chance.between(from, to), this.#scheduler.outside, action)
  }

  /** Again and again until it is done: the API may be away. */
  #until(attempt: () => Promise<boolean>): void {
    const again = () => this.#scheduler.after(RETRY, this.#scheduler.outside, () => this.#until(attempt))
    if (this.#isApiDown()) {
      again()
      return
    }
    void this.#api.as('operator', attempt).then((isDone) => {
      if (!isDone) again()
    })
  }
}

function key(vm: string) {
  return { namespace: NAMESPACE, name: vm }
}

function pinChanges(nics: readonly NicPlan[]): Record<string, string | null> {
  const absent = Object.keys(pinAnnotations(nics.map((nic) => ({ ...nic, pin: '' }))))
  return { ...Object.fromEntries(absent.map((name) => [name, null])), ...pinAnnotations(nics) }
}

async function found(reading: Promise<KubeObject>): Promise<KubeObject | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}

async function ignoringNotFound(action: Promise<unknown>): Promise<void> {
  try {
    await action
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
  }
}
