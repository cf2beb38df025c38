import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { createDhcpClient, type DhcpClient } from '../../../src/lab/clients/client.ts'
import type { ClientKind } from '../../../src/lab/clients/program.ts'
import type { NetworkNamespace } from '../../../src/lab/namespace.ts'
import { createLabNetwork, type LabMachine, type LabNetwork } from '../../../src/lab/network.ts'
import { checkLabRights } from '../../../src/lab/tools.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { createKubectl, type Kubectl } from './kubectl.ts'
import { type RunningProgram, startManagedDhcp } from './program.ts'

/** Where the tests' server is plugged in. */
export const NET_48 = { name: 'default/net-48', interfaceName: 'eth1' }
export const EXAMPLE = { name: 'default/example', interfaceName: 'eth2' }
/** What the documentation's pool.ntp.org means on the server: there is no DNS in a namespace. */
export const NTP_ADDRESSES = ['162.159.200.1', '162.159.200.123']

/** A server with two networks, each a switch of its own, and room for machines on both. */
export interface E2eLab {
  readonly server: NetworkNamespace
  readonly net48: LabNetwork
  readonly example: LabNetwork
  /** A folder of the host that is removed at the end. */
  readonly folder: string
  addMachine(network: LabNetwork, name: string, mac: string): Promise<LabMachine>
  close(): Promise<void>
}

export async function createE2eLab(): Promise<E2eLab> {
  await checkLabRights()
  const folder = await mkdtemp(join(tmpdir(), 'mdhcp-e2e-'))
  const net48 = await createLabNetwork('net-48')
  const example = await createLabNetwork('example')
  const close = async () => {
    await Promise.all([net48.close(), example.close()])
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const { namespace } = await net48.addMachine('server', { interfaceName: NET_48.interfaceName })
    await example.plugIn({ namespace, interfaceName: EXAMPLE.interfaceName })
    const hosts = ['127.0.0.1 localhost', ...NTP_ADDRESSES.map((address) => `${address} pool.ntp.org`)]
    await writeFile(namespace.path('/etc/hosts'), `${hosts.join('\n')}\n`)
    return {
      server: namespace,
      net48,
      example,
      folder,
      addMachine: (network, name, mac) => network.addMachine(name, { mac: parseMacAddress(mac) }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

export function startClient(kind: ClientKind, machine: LabMachine): DhcpClient {
  return createDhcpClient({ kind, ...machine, clock: systemClock, timeout: seconds(25) })
}

export interface StandaloneHandle {
  readonly program: RunningProgram
  readonly kubectl: Kubectl
  readonly kubeconfig: string
}

/** Standalone on both networks, up and answering. */
export async function startStandalone(
  lab: E2eLab,
  options: { dataDirectory?: string; flags?: readonly string[] } = {},
): Promise<StandaloneHandle> {
  const dataDirectory = options.dataDirectory ?? join(lab.folder, 'data')
  const program = startManagedDhcp(lab.server, [
    'standalone',
    ...['--data-dir', dataDirectory],
    ...['--network', `${NET_48.name}=${NET_48.interfaceName}`],
    ...['--network', `${EXAMPLE.name}=${EXAMPLE.interfaceName}`],
    ...(options.flags ?? []),
  ])
  await program.says(/Kubernetes API: kubectl --kubeconfig/)
  const kubeconfig = join(dataDirectory, 'kubeconfig')
  return { program, kubeconfig, kubectl: createKubectl(lab.server, kubeconfig) }
}
