import {
  formatIPv4Address,
  parseIPv4Address,
  toIPv4Address,
} from '../../../../src/api/values/ipv4-address.ts'
import type { NetworkNamespace } from '../../../../src/lab/namespace.ts'
import { labEnvironment } from '../../../../src/lab/tools.ts'
import { runCommand } from '../../../../src/network/command.ts'

export const GATEWAY = '10.244.0.1'
const PREFIX = 16
const FIRST_ADDRESS = parseIPv4Address('10.244.1.1')
const BRIDGE = 'cni0'

/** The cluster's own network: eth0 of every pod, on a bridge of the namespace in which we run. */
export interface PodNetwork {
  /** Gives the namespace an eth0. @returns its address */
  attach(namespace: NetworkNamespace): Promise<string>
  /** Pulls the cable of this pod, or plugs it in again. */
  setConnected(address: string, isConnected: boolean): Promise<void>
  close(): Promise<void>
}

export async function createPodNetwork(): Promise<PodNetwork> {
  await ip(
    'link',
    'add',
    BRIDGE,
    'type',
    'bridge',
    'stp_state',
    '0',
    'forward_delay',
    '0',
    'mcast_snooping',
    '0',
  )
  const network = new BridgedPodNetwork()
  try {
    await ip('address', 'add', `${GATEWAY}/${PREFIX}`, 'dev', BRIDGE)
    await ip('link', 'set', BRIDGE, 'up')
  } catch (error) {
    await network.close()
    throw error
  }
  return network
}

class BridgedPodNetwork implements PodNetwork {
  /** Addresses are given out once: nobody takes a new pod for an old one. */
  #next = 0
  readonly #ports = new Map<string, string>()

  async attach(namespace: NetworkNamespace): Promise<string> {
    const port = `pod${this.#next}`
    const address = formatIPv4Address(toIPv4Address(FIRST_ADDRESS + this.#next++))
    const peer = ['peer', 'name', 'eth0', 'netns', String(namespace.pid)]
    await ip('link', 'add', port, 'type', 'veth', ...peer)
    await ip('link', 'set', port, 'master', BRIDGE, 'up')
    await namespace.exec('ip', ['address', 'add', `${address}/${PREFIX}`, 'dev', 'eth0'])
    await namespace.exec('ip', ['link', 'set', 'eth0', 'up'])
    await namespace.exec('ip', ['route', 'add', 'default', 'via', GATEWAY])
    this.#ports.set(address, port)
    return address
  }

  async setConnected(address: string, isConnected: boolean): Promise<void> {
    const port = this.#ports.get(address)
    if (port !== undefined) await ip('link', 'set', port, isConnected ? 'up' : 'down')
  }

  async close(): Promise<void> {
    await ip('link', 'delete', BRIDGE)
  }
}

async function ip(...args: string[]): Promise<void> {
  await runCommand('ip', args, { environment: labEnvironment() })
}
