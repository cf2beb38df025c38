import type { Logger } from 'pino'
import type { SimulatedSegment } from '../../transports/packets/simulated.ts'
import type { ClientDisk } from '../clients/client.ts'
import type { ClientEvent } from '../clients/events.ts'
import { type ClientHabits, HABITS } from '../clients/habits.ts'
import type { ClientState } from '../clients/state.ts'
import type { Coverage } from '../faults/coverage.ts'
import type { NicPlan } from '../plan/operations.ts'
import { createChance } from './chance.ts'
import { type ClockReading, type GoesOn, GuestClock } from './guest-clock.ts'
import { type GuestPort, plugIn, type RunningClient } from './guest-port.ts'
import type { Scheduler } from './scheduler.ts'

export type { RunningClient } from './guest-port.ts'

export interface GuestsOptions {
  seed: number
  scheduler: Scheduler
  segments: ReadonlyMap<string, SimulatedSegment>
  log: Logger
  coverage: Coverage
  observe(client: RunningClient, event: ClientEvent): void
}

interface Snapshot {
  readonly clock: ClockReading
  readonly disks: ReadonlyMap<string, ClientDisk>
  readonly clients: ReadonlyMap<string, { readonly nic: NicPlan; readonly memory: ClientState }>
}

const PROGRAMS: readonly ClientHabits[] = Object.values(HABITS)

/** The guests of VMs, as far as DHCP knows them: a client for each NIC that is plugged in, a clock, and a disk that stays. */
export class Guests {
  readonly #options: GuestsOptions
  /** By the client's name. */
  readonly #ports = new Map<string, GuestPort>()
  readonly #clocks = new Map<string, GuestClock>()
  /** By VM and NIC. */
  readonly #disks = new Map<string, ClientDisk>()
  readonly #snapshots = new Map<string, Snapshot>()
  readonly #boots = new Map<string, number>()
  /** By VM: how many of its guests were left on a lost node. */
  readonly #strandings = new Map<string, number>()
  readonly #muted = new Set<string>()
  readonly #mutedAt = new Map<string, number>()

  constructor(options: GuestsOptions) {
    this.#options = options
  }

  running(): RunningClient[] {
    return [...this.#ports.values()].filter(({ isDisowned }) => !isDisowned).map(({ running }) => running)
  }

  /** The client of this name, as in `client vm-3/nic-0`. */
  find(name: string): RunningClient | undefined {
    return this.#ports.get(name)?.running
  }

  /** Where KubeVirt has it run. */
  isRunning(vm: string): boolean {
    return this.#of(vm).length > 0
  }

  /** Nothing reaches the VM, nor leaves it, until `unmute`. */
  mute(vm: string): void {
    this.#muted.add(vm)
    this.#mutedAt.set(vm, this.#options.scheduler.now)
  }

  /** When the VM was cut off last, by true time. */
  mutedAt(vm: string): number | undefined {
    return this.#mutedAt.get(vm)
  }

  unmute(vm: string): void {
    this.#muted.delete(vm)
  }

  /** @param name of a client */
  isMuted(name: string): boolean {
    const port = this.#ports.get(name)
    if (port === undefined) return false
    return port.isStranded ? port.isCutOff : port.clock.isStanding || this.#muted.has(port.running.vm)
  }

  boot(vm: string, nics: readonly NicPlan[]): void {
    for (const nic of nics) this.plug(vm, nic)
  }

  plug(vm: string, nic: NicPlan, memory?: ClientState): void {
    const { scheduler, segments, seed, log, observe } = this.#options
    const name = this.#nameOf(vm, nic.name)
    const segment = segments.get(nic.network)
    if (segment === undefined || this.#ports.has(name)) return
    const boot = (this.#boots.get(name) ?? 0) + 1
    this.#boots.set(name, boot)
    const clock = this.#clocks.get(vm) ?? new GuestClock(scheduler)
    this.#clocks.set(vm, clock)
    const disk = this.#disks.get(`${vm}/${nic.name}`) ?? {}
    this.#disks.set(`${vm}/${nic.name}`, disk)
    const port = plugIn({
      name,
      vm,
      nic,
      segment,
      log,
      since: scheduler.now,
      clock,
      random: createChance(seed, `${name} boot ${boot}`),
      habits: createChance(seed, `${vm} program`).pick(PROGRAMS),
      disk,
      ...(memory === undefined ? {} : { memory }),
      observe,
    })
    this.#ports.set(name, port)
  }

  unplug(vm: string, nic: string): void {
    const port = this.#ports.get(this.#nameOf(vm, nic))
    if (port !== undefined) this.#end(port)
  }

  /** The disks keep what clients wrote there. `orderly`: the guest is told, and has time to clean up. */
  powerOff(vm: string, how: 'orderly' | 'at-once'): void {
    for (const port of this.#of(vm)) {
      const { client } = port.running
      if (how === 'orderly' && !port.clock.isStanding && this.#releases(vm)) {
        this.#options.coverage.hit('release at shutdown', client.state())
        client.release()
      }
      this.#end(port)
    }
    this.#clocks.delete(vm)
  }

  /** @returns how it goes on, unless it was ended meanwhile; undefined when there is nothing to suspend */
  suspend(vm: string): ((how: GoesOn) => void) | undefined {
    const clock = this.#clocks.get(vm)
    if (!this.isRunning(vm) || clock === undefined || clock.isStanding) return undefined
    this.#met('guest paused', vm)
    clock.stand()
    return (how) => this.#goOn(vm, clock, how)
  }

  /** Whoever is suspended goes on. */
  resumeAll(): void {
    for (const [vm, clock] of this.#clocks) this.#goOn(vm, clock, 'put-right')
  }

  /** Disks, and what clients know by heart when they run. */
  snapshot(vm: string): void {
    const { scheduler } = this.#options
    const nics = [...this.#disks].filter(([name]) => name.startsWith(`${vm}/`))
    const clock = this.#clocks.get(vm) ?? new GuestClock(scheduler)
    this.#snapshots.set(vm, {
      clock: clock.reading(),
      disks: new Map(nics.map(([name, disk]) => [name, { ...disk }])),
      clients: new Map(
        this.#of(vm).map(({ nic, running }) => [running.name, { nic, memory: running.client.memory() }]),
      ),
    })
  }

  forgetSnapshot(vm: string): void {
    this.#snapshots.delete(vm)
  }

  /** Of a guest that does not run. */
  restoreDisk(vm: string): void {
    for (const [name, disk] of this.#snapshots.get(vm)?.disks ?? []) this.#disks.set(name, { ...disk })
  }

  /** Nothing when it has other NICs by now than then. */
  restoreMemory(vm: string, how: GoesOn): void {
    const snapshot = this.#snapshots.get(vm)
    const now = this.#of(vm)
    if (snapshot === undefined || now.length === 0 || now.length !== snapshot.clients.size) return
    const isSame = ({ nic, running: { name } }: GuestPort) => {
      const then = snapshot.clients.get(name)?.nic
      return then?.mac === nic.mac && then.network === nic.network
    }
    if (!now.every(isSame)) return
    this.#met('guest restored', vm)
    this.#mutedAt.set(vm, this.#options.scheduler.now)
    for (const port of now) this.#discard(port, snapshot.clients.get(port.running.name)?.memory)
    this.restoreDisk(vm)
    const clock = new GuestClock(this.#options.scheduler, snapshot.clock)
    this.#clocks.set(vm, clock)
    for (const { nic, memory } of snapshot.clients.values()) this.plug(vm, nic, memory)
    clock.goOn(how)
  }

  /** The node is lost: KubeVirt may start the VM anew elsewhere, and this guest runs on. */
  strand(vm: string, isCutOff: boolean): void {
    this.#met('guest stranded', vm)
    if (isCutOff) this.#mutedAt.set(vm, this.#options.scheduler.now)
    for (const port of this.#of(vm)) {
      Object.assign(port, { isStranded: true, isCutOff })
      // Whoever comes after it has the same volume, and not what this one writes there from now on.
      this.#disks.set(`${vm}/${port.nic.name}`, { ...port.disk })
    }
    this.#clocks.delete(vm)
    this.#strandings.set(vm, (this.#strandings.get(vm) ?? 0) + 1)
  }

  /** The lost node is gone for good, and what ran there. */
  endStranded(vm: string): void {
    for (const port of this.#stranded(vm)) this.#end(port)
  }

  /**
   * Neither the VM nor its instance is in the API any more, because somebody forced it: whoever does so promises that
   * nothing runs. Kubernetes shows nothing by which a pool could know better, so what this guest holds counts no more.
   */
  disown(vm: string): void {
    for (const port of this.#stranded(vm)) {
      const { running } = port
      const lease = running.client.lease()
      if (lease !== undefined && !port.isDisowned) {
        this.#options.observe(running, { type: 'lost', address: lease.address, why: 'disowned' })
      }
      port.isDisowned = true
    }
  }

  /** A NIC that the guest has not as the VM says. */
  lags(vm: string): void {
    this.#met('guest lags behind', vm)
  }

  #goOn(vm: string, clock: GuestClock, how: GoesOn): void {
    if (!clock.isStanding) return
    this.#mutedAt.set(vm, this.#options.scheduler.now)
    clock.goOn(how)
  }

  #of(vm: string): GuestPort[] {
    return [...this.#ports.values()].filter((port) => port.running.vm === vm && !port.isStranded)
  }

  #stranded(vm: string): GuestPort[] {
    return [...this.#ports.values()].filter((port) => port.running.vm === vm && port.isStranded)
  }

  #nameOf(vm: string, nic: string): string {
    const strandings = this.#strandings.get(vm) ?? 0
    return `client ${vm}/${nic}${strandings === 0 ? '' : ` (${strandings + 1})`}`
  }

  #releases(vm: string): boolean {
    const { seed } = this.#options
    const { releases } = createChance(seed, `${vm} program`).pick(PROGRAMS)
    return (
      releases === 'always' || (releases === 'sometimes' && createChance(seed, `${vm} set-up`).happens(0.5))
    )
  }

  #end({ running: { name, client }, packets }: GuestPort): void {
    client.stop()
    void packets.close()
    this.#ports.delete(name)
  }

  /** What it holds it holds on, if it held it then. */
  #discard(port: GuestPort, then: ClientState | undefined): void {
    const held = port.running.client.lease()?.address
    const holds = then !== undefined && 'lease' in then.phase ? then.phase.lease.address : undefined
    port.isDisowned = held === holds
    this.#end(port)
  }

  #met(what: string, vm: string): void {
    for (const { running } of this.#of(vm)) this.#options.coverage.hit(what, running.client.state())
  }
}
