import { pino } from 'pino'
import { expect } from 'vitest'
import { type IPPool, ipPoolSchema } from '../../../../src/api/ippool.ts'
import type { KubeObject } from '../../../../src/api/object.ts'
import {
  IP_POOLS,
  NETWORK_ATTACHMENT_DEFINITIONS,
  type Resource,
  VM_NETWORK_CONFIGS,
} from '../../../../src/api/resource.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../../../src/api/vm-network-config.ts'
import { createKubeStore } from '../../../../src/kube/client.ts'
import { AlreadyExistsError, NotFoundError } from '../../../../src/kube/errors.ts'
import { systemClock } from '../../../../src/runtime/system-clock.ts'
import { startTarget } from '../../../kubernetes-api/target.ts'
import { eventually } from '../world.ts'
import { type History, recordHistory } from './history.ts'

const NAMESPACES: Resource = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
}

const QUIET_MS = 1_500

/** Who has which address: by name of the VirtualMachineNetworkConfig. */
export type Addresses = Record<string, string>

export type Versions = Record<string, string | undefined>

/** An API server, with one pool of 200 addresses in a namespace of its own. */
export interface Cluster {
  readonly kubeconfig: string
  /** Of the pool and its VMs, and of the Lease. */
  readonly namespace: string
  /** Objects that ask for an address each. */
  ask(...names: string[]): Promise<void>
  giveBack(...names: string[]): Promise<void>
  /** When all who ask have their address, and nobody else has one. */
  untilServed(seconds?: number): Promise<Addresses>
  /** The resourceVersions of everything that a controller writes. */
  versions(): Promise<Versions>
  /** The same when nobody has written any of it for a while. */
  untilQuiet(): Promise<Versions>
  pool(): Promise<IPPool>
  /** Every version of the pool and of what its VMs are told, from now on. */
  record(): Promise<History>
  close(): Promise<void>
}

export async function openCluster(namespace: string): Promise<Cluster> {
  const target = await startTarget()
  const store = createKubeStore({
    kubeconfig: target.kubeconfigPath,
    log: pino({ level: 'silent' }),
    clock: systemClock,
  })
  const create = (resource: Resource, object: KubeObject) =>
    store.create(resource, object).catch((error: unknown) => {
      if (!(error instanceof AlreadyExistsError)) throw error
    })
  await create(NAMESPACES, { metadata: { name: namespace } })
  await create(NETWORK_ATTACHMENT_DEFINITIONS, {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { namespace, name: 'net' },
    spec: { config: '{"type":"bridge","ipam":{}}' },
  })
  await create(IP_POOLS, {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    metadata: { namespace, name: 'net' },
    spec: {
      ipv4Config: {
        serverIP: '192.168.48.2',
        cidr: '192.168.48.0/24',
        pool: { start: '192.168.48.10', end: '192.168.48.209' },
      },
      networkName: `${namespace}/net`,
    },
  })

  const pool = async () => ipPoolSchema.parse(await store.get(IP_POOLS, { namespace, name: 'net' }))
  const configs = async () =>
    (await store.list(VM_NETWORK_CONFIGS, { namespace })).items.map((item) =>
      vmNetworkConfigSchema.parse(item),
    )
  async function versions(): Promise<Versions> {
    const objects: KubeObject[] = [await pool(), ...(await configs())]
    return Object.fromEntries(objects.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
  }
  let macs = 0
  const macOf = () =>
    `02:00:00:00:0${(macs >> 8).toString(16)}:${(macs++ & 255).toString(16).padStart(2, '0')}`

  return {
    kubeconfig: target.kubeconfigPath,
    namespace,
    pool,
    async ask(...names) {
      for (const name of names) {
        await store.create(VM_NETWORK_CONFIGS, {
          apiVersion: 'network.harvesterhci.io/v1alpha1',
          kind: 'VirtualMachineNetworkConfig',
          metadata: { namespace, name },
          spec: { vmName: name, networkConfig: [{ macAddress: macOf(), networkName: `${namespace}/net` }] },
        })
      }
    },
    async giveBack(...names) {
      for (const name of names) await store.delete(VM_NETWORK_CONFIGS, { namespace, name })
    },
    untilServed: (seconds = 30) =>
      eventually(async () => {
        const addresses: Addresses = {}
        const leases: Record<string, string> = {}
        for (const config of await configs()) {
          const [entry] = networkStatuses(config)
          expect(`${config.metadata.name} ${entry?.state}`).toBe(`${config.metadata.name} Allocated`)
          expect(config.metadata, 'given back, and still there').not.toHaveProperty('deletionTimestamp')
          const address = entry?.allocatedIPAddress ?? ''
          addresses[config.metadata.name] = address
          leases[address] = entry?.macAddress ?? ''
        }
        // No address twice, none lost, none left over.
        expect(Object.keys(leases)).toHaveLength(Object.keys(addresses).length)
        const { allocated = {}, used } = (await pool()).status?.ipv4 ?? {}
        expect(Object.fromEntries(Object.entries(allocated).filter(([, mac]) => mac.includes(':')))).toEqual(
          leases,
        )
        expect(used).toBe(Object.keys(leases).length)
        return addresses
      }, seconds * 1000),
    versions,
    untilQuiet: () =>
      eventually(async () => {
        const seen = await versions()
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
        expect(await versions()).toEqual(seen)
        return seen
      }, 30_000),
    record: () => recordHistory(store, namespace),
    async close() {
      // What others' controllers would take up: nobody is left who takes the finalizers off.
      for (const resource of [IP_POOLS, VM_NETWORK_CONFIGS]) {
        for (const { metadata } of (await store.list(resource, { namespace })).items) {
          const key = { namespace, name: metadata.name }
          await store.patch(resource, key, { type: 'merge', body: { metadata: { finalizers: null } } })
          await store.delete(resource, key).catch((error: unknown) => {
            if (!(error instanceof NotFoundError)) throw error
          })
        }
      }
      store.close()
      await target.cleanup()
    },
  }
}
