import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { createDhcpClient, type DhcpClient } from '../../../src/lab/clients/client.ts'
import type { ClientKind } from '../../../src/lab/clients/program.ts'
import type { LabNetwork } from '../../../src/lab/network.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import type { ApiUser } from './api-history.ts'
import type { Recorder } from './recorder.ts'

/** A VM: a machine in a namespace with a real DHCP client, and its VirtualMachine object. */
export interface Machine {
  readonly name: string
  readonly mac: MacAddress
  readonly client: DhcpClient
  /** Makes the VM, and powers the machine on at once. Resolves when its client has the address that the API tells. */
  create(): Promise<void>
  /** Powers the machine off, and deletes the VM. */
  remove(): Promise<void>
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
  return {
    name,
    mac,
    client,
    async create() {
      const [told, given] = await Promise.all([user.create(name, mac), client.start()])
      if (told !== given.address) throw new WrongAddressError(name, told, given.address)
    },
    async remove() {
      await client.stop()
      recorder.gone(mac)
      await user.remove(name, mac)
    },
  }
}
