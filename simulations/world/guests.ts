import type { Logger } from 'pino'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { toInstant } from '../../src/api/values/time.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import type { SimulatedPacketTransport, SimulatedSegment } from '../../transports/packets/simulated.ts'
import { type ClientDisk, type DhcpClient, startDhcpClient } from '../clients/client.ts'
import type { ClientEvent } from '../clients/events.ts'
import { type ClientHabits, HABITS } from '../clients/habits.ts'
import type { NicPlan } from '../plan/operations.ts'
import { createChance } from './chance.ts'
import { EPOCH } from './machine.ts'
import type { Scheduler } from './scheduler.ts'

/** A DHCP client in a running guest. */
export interface RunningClient {
  /** `client vm-3/nic-0` */
  readonly name: string
  readonly vm: string
  readonly network: string
  readonly mac: string
  readonly since: number
  readonly client: DhcpClient
}

export interface GuestsOptions {
  seed: number
  scheduler: Scheduler
  segments: ReadonlyMap<string, SimulatedSegment>
  log: Logger
  observe(client: RunningClient, event: ClientEvent): void
}

interface Port {
  running: RunningClient
  packets: SimulatedPacketTransport
}

const CLIENT_PORT = 68
const PROGRAMS: readonly ClientHabits[] = Object.values(HABITS)

/** The guests of VMs, as far as DHCP knows them: a client for each NIC that is plugged in, and a disk that stays. */
export class Guests {
  readonly #options: GuestsOptions
  readonly #ports = new Map<string, Port>()
  readonly #disks = new Map<string, ClientDisk>()
  readonly #boots = new Map<string, number>()
  readonly #muted = new Set<string>()
  readonly #mutedAt = new Map<string, number>()
  readonly #clock: Clock

  constructor(options: GuestsOptions) {
    this.#options = options
    const { scheduler } = options
    this.#clock = {
      now: () => toInstant(EPOCH + Math.floor(scheduler.now)),
      after: (delay, action) => scheduler.after(delay, scheduler.outside, action),
    }
  }

  running(): RunningClient[] {
    return [...this.#ports.values()].map(({ running }) => running)
  }

  /** The client of this name, as in `client vm-3/nic-0`. */
  find(name: string): RunningClient | undefined {
    return this.#ports.get(name)?.running
  }

  isRunning(vm: string): boolean {
    return this.running().some((client) => client.vm === vm)
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
    const running = this.find(name)
    return running !== undefined && this.#muted.has(running.vm)
  }

  boot(vm: string, nics: readonly NicPlan[]): void {
    for (const nic of nics) this.plug(vm, nic)
  }

  plug(vm: string, nic: NicPlan): void {
    const { scheduler, segments, seed, log } = this.#options
    const name = `client ${vm}/${nic.name}`
    const segment = segments.get(nic.network)
    if (segment === undefined || this.#ports.has(name)) return
    const boot = (this.#boots.get(name) ?? 0) + 1
    this.#boots.set(name, boot)
    const disk = this.#disks.get(name) ?? {}
    this.#disks.set(name, disk)
    const packets = segment.attach({ name, port: CLIENT_PORT, log })
    const { network, mac } = nic
    const said: ClientEvent[] = []
    let running: RunningClient | undefined
    // A client begins to speak before it can be named.
    const observe = (event: ClientEvent) => {
      if (running === undefined) said.push(event)
      else this.#options.observe(running, event)
    }
    const client = startDhcpClient({
      name: `${vm}/${nic.name}`,
      mac: parseMacAddress(mac),
      packets,
      clock: this.#clock,
      random: createChance(seed, `${name} boot ${boot}`),
      habits: createChance(seed, `${vm} program`).pick(PROGRAMS),
      disk,
      observe,
    })
    running = { name, vm, network, mac, since: scheduler.now, client }
    this.#ports.set(name, { running, packets })
    for (const event of said) this.#options.observe(running, event)
  }

  unplug(vm: string, nic: string): void {
    const name = `client ${vm}/${nic}`
    const port = this.#ports.get(name)
    if (port === undefined) return
    port.running.client.stop()
    void port.packets.close()
    this.#ports.delete(name)
  }

  /** The power is off: the disks keep what clients wrote there. */
  powerOff(vm: string): void {
    for (const { vm: other, name } of this.running()) {
      if (other === vm) this.unplug(vm, name.slice(name.indexOf('/') + 1))
    }
  }
}
