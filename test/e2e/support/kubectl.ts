import * as z from 'zod'
import { ipPoolSchema } from '../../../src/api/ippool.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../../src/api/vm-network-config.ts'
import type { NetworkNamespace } from '../../../src/lab/namespace.ts'
import { CommandNotFoundError } from '../../../src/network/command.ts'
import { packageFile } from '../../../src/runtime/package-root.ts'
import { eventually, type Patience } from './eventually.ts'

export type Manifest = Record<string, unknown>

/** The real kubectl, in the namespace where the API is served. */
export interface Kubectl {
  /** @returns stdout @throws CommandFailedError */
  run(args: readonly string[], input?: string): Promise<string>
  /** `kubectl apply -f deploy/examples/FILE`, unchanged. */
  applyExample(file: string): Promise<string>
  apply(manifests: readonly Manifest[]): Promise<string>
  /** `kubectl patch --type merge` */
  patch(kind: string, name: string, patch: Manifest): Promise<string>
  pool(name: string): Promise<z.infer<typeof ipPoolSchema>>
  /** The addresses of a VirtualMachineNetworkConfig, by MAC. */
  addresses(name: string): Promise<Record<string, string>>
  untilServed(pool: string, patience?: Patience): Promise<void>
  untilAllocated(config: string, macAddress: string, patience?: Patience): Promise<string>
}

const configListSchema = z.object({ items: z.array(vmNetworkConfigSchema) })

export function createKubectl(namespace: NetworkNamespace, kubeconfig: string): Kubectl {
  const environment = { ...process.env, KUBECONFIG: kubeconfig }

  async function run(args: readonly string[], input?: string): Promise<string> {
    try {
      const options = input === undefined ? { environment } : { environment, input }
      return (await namespace.exec('kubectl', args, options)).stdout
    } catch (error) {
      if (!(error instanceof CommandNotFoundError)) throw error
      throw new Error(
        'kubectl is not installed: get version 1.32 from https://kubernetes.io/docs/tasks/tools/',
        {
          cause: error,
        },
      )
    }
  }

  async function pool(name: string) {
    return ipPoolSchema.parse(JSON.parse(await run(['get', 'ippools.network', name, '-o', 'json'])))
  }

  async function addresses(name: string) {
    const config = vmNetworkConfigSchema.parse(JSON.parse(await run(['get', 'vmnetcfg', name, '-o', 'json'])))
    return addressesOf(config)
  }

  return {
    run,
    pool,
    addresses,
    applyExample: (file) => run(['apply', '-f', packageFile('deploy', 'examples', file)]),
    apply: (manifests) =>
      run(['apply', '-f', '-'], manifests.map((manifest) => JSON.stringify(manifest)).join('\n')),
    patch: (kind, name, patch) => run(['patch', kind, name, '--type', 'merge', '-p', JSON.stringify(patch)]),
    untilServed: (name, patience) =>
      eventually(
        `IPPool ${name} is registered, cached and served`,
        async () => {
          const conditions = (await pool(name)).status?.conditions ?? []
          const isTrue = (type: string) => conditions.some((c) => c.type === type && c.status === 'True')
          return ['Registered', 'CacheReady', 'AgentReady'].every(isTrue) ? true : undefined
        },
        patience,
      ).then(() => {}),
    untilAllocated: (name, macAddress, patience) =>
      eventually(
        `an address for ${macAddress} in VirtualMachineNetworkConfig ${name}`,
        async () => (await addresses(name))[macAddress],
        patience,
      ),
  }
}

/** `kubectl get vmnetcfg -o json`, as address by name; what has none is left out. */
export async function allAddresses(kubectl: Kubectl): Promise<Map<string, string>> {
  const { items } = configListSchema.parse(JSON.parse(await kubectl.run(['get', 'vmnetcfg', '-o', 'json'])))
  return new Map(
    items.flatMap((config) =>
      Object.values(addressesOf(config)).map((address): [string, string] => [config.metadata.name, address]),
    ),
  )
}

function addressesOf(config: z.infer<typeof vmNetworkConfigSchema>): Record<string, string> {
  return Object.fromEntries(
    networkStatuses(config).flatMap(({ macAddress, allocatedIPAddress, state }) =>
      allocatedIPAddress === undefined || state !== 'Allocated' ? [] : [[macAddress, allocatedIPAddress]],
    ),
  )
}
