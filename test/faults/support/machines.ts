import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { createDhcpClient, type DhcpClient } from '../../../src/lab/clients/client.ts'
import type { ClientKind } from '../../../src/lab/clients/program.ts'
import type { LabNetwork } from '../../../src/lab/network.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import type { ApiUser } from './api-history.ts'
import type { Recorder } from './recorder.ts'

/** A VM: a machine in a namespace with a real DHCP client, and its VirtualMachine object. */
export interface Machine {
  readonly name: string
  readonly mac: MacAddress
  readonly client: DhcpClient
  /** What it may use now. */
  readonly address: IPv4Address | undefined
  /**
   * Makes the VM, and powers the machine on at once. Resolves when its client has the address that the API tells.
   * @param pinned the address that the VM asks for
   */
  create(pinned?: IPv4Address): Promise<void>
  /** Powers the machine off, and deletes the VM. */
  remove(): Promise<void>
  /**
   * Deletes the VM and makes it again at once, under its name and with its MAC. An agent that cannot hear of it yet must
   * go on serving what it knows: so the client may be given its earlier address first, and be told to change it later.
   * @returns what it was given too late
   */
  remake(): Promise<Outdated | undefined>
}

/** An address that a VM had before it was made again, and that its client was given once more. */
export interface Outdated {
  readonly mac: MacAddress
  readonly address: IPv4Address
  /** When the VM was made again, and when its client had the address of now. */
  readonly since: number
  readonly until: number
}

/** The client was given another address than the API tells. */
export class WrongAddressError extends Error {
  override readonly name = 'WrongAddressError'
  constructor(name: string, told: IPv4Address, given: IPv4Address) {
    super(`${name} was given ${formatIPv4Address(given)}, and the API says ${formatIPv4Address(told)}`)
  }
}

export interface MachineShop {
  readonly network: LabNetwork
  readonly user: ApiUser
  readonly recorder: Recorder
}

const PATIENCE = seconds(60)

export async function addMachine(
  { network, user, recorder }: MachineShop,
  kind: ClientKind,
  number: number,
): Promise<Machine> {
  const mac = parseMacAddress(`02:00:00:00:0f:${number.toString(16).padStart(2, '0')}`)
  const name = `vm-${number}`
  const place = await network.addMachine(name, { mac })
  const onEvent = recorder.listener(name, mac, kind)
  const client = createDhcpClient({ kind, ...place, clock: systemClock, timeout: PATIENCE, onEvent })

  async function remove(): Promise<void> {
    await client.stop()
    recorder.gone(mac)
    await user.remove(name, mac)
  }

  /** Asks until the agent has heard of the VM that is there now. */
  async function untilMoved(told: IPv4Address): Promise<true> {
    return eventually(
      `${name} to be moved to ${formatIPv4Address(told)}`,
      () => {
        const address = recorder.addressOf(mac)
        if (address !== undefined && address !== told) client.renew().catch(() => {})
        return address === told ? true : undefined
      },
      { seconds: PATIENCE / 1000, pauseMs: 1_000 },
    )
  }

  return {
    name,
    mac,
    client,
    get address() {
      return recorder.addressOf(mac)
    },
    async create(pinned) {
      const [told, given] = await Promise.all([user.create(name, mac, pinned), client.start()])
      if (told !== given.address) throw new WrongAddressError(name, told, given.address)
    },
    remove,
    async remake() {
      const earlier = recorder.addressOf(mac)
      await remove()
      const since = performance.now()
      const [told, given] = await Promise.all([user.create(name, mac), client.start()])
      if (told === given.address) return undefined
      if (earlier !== given.address) throw new WrongAddressError(name, told, given.address)
      await untilMoved(told)
      return { mac, address: given.address, since, until: performance.now() }
    },
  }
}
