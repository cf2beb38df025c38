import type { Guests } from './guests.ts'
import type { MachineObjects } from './machine-objects.ts'
import type { Scheduler } from './scheduler.ts'

interface LostGuest {
  /** Of the VMs of its name, the how-manieth. */
  readonly incarnation: number
  /** KubeVirt waits for it. */
  isWaitedFor: boolean
  /** Its VM is gone from the API. */
  isOrphan: boolean
  /** It runs no more. */
  isOver: boolean
  readonly done: () => void
}

/**
 * Guests on nodes that nobody can reach. As long as such a guest may run its instance is there, with a deletionTimestamp
 * or without, and keeps its VM from going; unless somebody forces one of the two.
 */
export class LostNodes {
  readonly #objects: MachineObjects
  readonly #guests: Guests
  readonly #scheduler: Scheduler
  /** By VM: the latest. */
  readonly #lost = new Map<string, LostGuest>()
  #areAllBack = false

  constructor(parts: { objects: MachineObjects; guests: Guests; scheduler: Scheduler }) {
    this.#objects = parts.objects
    this.#guests = parts.guests
    this.#scheduler = parts.scheduler
  }

  /** KubeVirt does nothing more for the VM of this name before it knows what became of its guest. */
  isWaitedFor(vm: string): boolean {
    return this.#lost.get(vm)?.isWaitedFor ?? false
  }

  /** @param done KubeVirt sees that the guest is no more */
  lose(
    vm: string,
    incarnation: number,
    options: { lasts: number; isCutOff: boolean; done: () => void },
  ): void {
    if (!this.#guests.isRunning(vm) || this.#lost.has(vm) || this.#areAllBack) return
    const guest: LostGuest = {
      incarnation,
      isWaitedFor: true,
      isOrphan: false,
      isOver: false,
      done: options.done,
    }
    this.#lost.set(vm, guest)
    this.#guests.strand(vm, options.isCutOff)
    this.#objects.until(async () => {
      if (guest.isWaitedFor) await this.#objects.holdInstance(vm)
      return true
    })
    this.#scheduler.after(options.lasts, this.#scheduler.outside, () => this.#end(vm, guest))
  }

  /** Somebody swears that the guest does not run: KubeVirt believes it. */
  forceInstance(vm: string): void {
    const guest = this.#lost.get(vm)
    if (guest === undefined || !guest.isWaitedFor) return
    this.#objects.until(async () => {
      if (!guest.isWaitedFor) return true
      await this.#instanceGone(vm, guest)
      if (guest.isOrphan) this.#guests.disown(vm)
      return true
    })
  }

  /** The VM of this name is gone from the API. */
  machineGone(vm: string, incarnation: number): void {
    const guest = this.#lost.get(vm)
    if (guest === undefined || guest.incarnation !== incarnation) return
    guest.isOrphan = true
    if (!guest.isWaitedFor) this.#guests.disown(vm)
  }

  /** What still runs on lost nodes runs no more, and no node is lost from now on. */
  endAll(): void {
    this.#areAllBack = true
    for (const [vm, guest] of this.#lost) this.#end(vm, guest)
  }

  #end(vm: string, guest: LostGuest): void {
    if (guest.isOver) return
    guest.isOver = true
    this.#guests.endStranded(vm)
    this.#objects.until(async () => {
      if (guest.isWaitedFor) await this.#instanceGone(vm, guest)
      this.#lost.delete(vm)
      return true
    })
  }

  async #instanceGone(vm: string, guest: LostGuest): Promise<void> {
    await this.#objects.removeInstance(vm)
    guest.isWaitedFor = false
    guest.done()
  }
}
