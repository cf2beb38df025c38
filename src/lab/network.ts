import type { MacAddress } from '../api/values/mac-address.ts'
import { createNamespace, type NetworkNamespace } from './namespace.ts'

export interface InterfaceEnd {
  readonly namespace: NetworkNamespace
  readonly interfaceName: string
  readonly mac?: MacAddress
}

/** Connects two namespaces by a virtual cable (a veth pair), both ends up. */
export async function connect(a: InterfaceEnd, b: InterfaceEnd): Promise<void> {
  await a.namespace.exec('ip', [
    ...['link', 'add', a.interfaceName, ...address(a), 'type', 'veth'],
    ...['peer', 'name', b.interfaceName, ...address(b), 'netns', String(b.namespace.pid)],
  ])
  await Promise.all([bringUp(a), bringUp(b)])
}

/** An Ethernet switch with namespaces plugged into it. */
export interface LabNetwork {
  /** A namespace of its own for a machine, its interface plugged into the switch. */
  addMachine(name: string, options?: { interfaceName?: string; mac?: MacAddress }): Promise<LabMachine>
  /** One more interface of a machine that is there already. */
  plugIn(end: InterfaceEnd): Promise<void>
  readonly machines: readonly LabMachine[]
  /** Ends every machine and the switch. */
  close(): Promise<void>
}

export interface LabMachine {
  readonly namespace: NetworkNamespace
  readonly interfaceName: string
}

/** @throws LabUnavailableError */
export async function createLabNetwork(name: string): Promise<LabNetwork> {
  const network = new BridgeNetwork(name, await createNamespace(`${name}-switch`))
  try {
    await network.start()
  } catch (error) {
    await network.close()
    throw error
  }
  return network
}

const BRIDGE = 'switch0'

class BridgeNetwork implements LabNetwork {
  readonly machines: LabMachine[] = []
  readonly #name: string
  readonly #switch: NetworkNamespace
  #ports = 0

  constructor(name: string, switchNamespace: NetworkNamespace) {
    this.#name = name
    this.#switch = switchNamespace
  }

  /** No spanning tree: a new port must forward at once. */
  async start(): Promise<void> {
    const settings = ['stp_state', '0', 'forward_delay', '0', 'mcast_snooping', '0']
    await this.#switch.exec('ip', ['link', 'add', BRIDGE, 'type', 'bridge', ...settings])
    await this.#switch.exec('ip', ['link', 'set', BRIDGE, 'up'])
  }

  async addMachine(
    name: string,
    options: { interfaceName?: string; mac?: MacAddress } = {},
  ): Promise<LabMachine> {
    const interfaceName = options.interfaceName ?? 'eth0'
    const namespace = await createNamespace(`${this.#name}-${name}`)
    try {
      await this.plugIn({ namespace, interfaceName, ...(options.mac && { mac: options.mac }) })
    } catch (error) {
      await namespace.close()
      throw error
    }
    const machine = { namespace, interfaceName }
    this.machines.push(machine)
    return machine
  }

  async plugIn(end: InterfaceEnd): Promise<void> {
    const port = `port${this.#ports++}`
    await connect({ namespace: this.#switch, interfaceName: port }, end)
    await this.#switch.exec('ip', ['link', 'set', port, 'master', BRIDGE])
  }

  async close(): Promise<void> {
    await Promise.all(this.machines.map((machine) => machine.namespace.close()))
    await this.#switch.close()
  }
}

function address(end: InterfaceEnd): string[] {
  return end.mac === undefined ? [] : ['address', end.mac]
}

async function bringUp(end: InterfaceEnd): Promise<void> {
  await end.namespace.exec('ip', ['link', 'set', end.interfaceName, 'up'])
  await fillInChecksums(end)
}

/** Some clients drop datagrams whose checksum is left for hardware; without ethtool they stay as they are. */
async function fillInChecksums(end: InterfaceEnd): Promise<void> {
  const script = 'if command -v ethtool >/dev/null; then ethtool -K "$0" tx off || true; fi'
  await end.namespace.exec('sh', ['-c', script, end.interfaceName])
}
