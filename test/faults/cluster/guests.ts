import { parseMacAddress, type MacAddress } from '../../../src/api/values/mac-address.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { createDhcpClient, type DhcpClient } from '../../../src/lab/clients/client.ts'
import type { ClientKind } from '../../../src/lab/clients/program.ts'
import type { LabMachine } from '../../../src/lab/network.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import type { Kubelets } from '../../cluster/kubelet/kubelets.ts'
import type { ClientHistory } from './history.ts'

/** How long a client may wait for its first lease: longer than any fault lasts. */
export const PATIENCE = seconds(60)

/** A machine on the VMs' network, with a NIC and the DHCP client of its system. */
export class Guest {
  readonly name: string
  readonly mac: MacAddress
  readonly kind: ClientKind
  readonly #machine: LabMachine
  readonly #history: ClientHistory
  #client: DhcpClient | undefined

  constructor(name: string, mac: MacAddress, kind: ClientKind, machine: LabMachine, history: ClientHistory) {
    this.name = name
    this.mac = mac
    this.kind = kind
    this.#machine = machine
    this.#history = history
  }

  /** @returns when its first lease was there, on the monotonic clock */
  async boot(): Promise<number> {
    this.#client = createDhcpClient({
      kind: this.kind,
      ...this.#machine,
      clock: systemClock,
      timeout: PATIENCE,
      onEvent: (event) => this.#history.heard(this.name, this.mac, event),
    })
    const acked = this.#history.nextAck(this.name, PATIENCE)
    const [at] = await Promise.all([acked, this.#client.start()])
    return at
  }

  /** Asks for a renewal now. @returns when the next ACK came */
  async renew(): Promise<number> {
    const acked = this.#history.nextAck(this.name, PATIENCE)
    const [at] = await Promise.all([acked, this.#client?.renew()])
    return at
  }

  /** Its machine is gone, without a word to the server. */
  async powerOff(): Promise<void> {
    await this.#client?.stop()
    this.#client = undefined
    this.#history.gone(this.name, this.mac)
  }
}

/** MACs of one group differ in their last octet. */
export const macOf = (group: number, number: number): MacAddress =>
  parseMacAddress(`02:00:00:00:${hex(group)}:${hex(number)}`)

const hex = (value: number) => value.toString(16).padStart(2, '0')

/** Machines named `NAME-1` and so on, plugged in and switched off. */
export async function createGuests(
  kubelets: Kubelets,
  history: ClientHistory,
  options: { name: string; group: number; kinds: readonly ClientKind[]; network: string },
): Promise<Guest[]> {
  const guests: Guest[] = []
  for (const [index, kind] of options.kinds.entries()) {
    const name = `${options.name}-${index + 1}`
    const mac = macOf(options.group, index + 1)
    const machine = await kubelets.network(options.network).attachClient(name, mac)
    guests.push(new Guest(name, mac, kind, machine, history))
  }
  return guests
}
