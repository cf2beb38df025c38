import type { Logger } from 'pino'
import { addDemandIndexes } from '../../../actors/pool/demand.ts'
import { isConditionTrue } from '../../api/condition.ts'
import { ipPoolSummarySchema } from '../../api/ippool.ts'
import type { KubeObject } from '../../api/object.ts'
import {
  IP_POOLS,
  NETWORK_ATTACHMENT_DEFINITIONS,
  type Resource,
  VIRTUAL_MACHINE_INSTANCES,
  VIRTUAL_MACHINES,
  VM_NETWORK_CONFIGS,
} from '../../api/resource.ts'
import { formatObjectKey, parseObjectKey } from '../../api/values/object-key.ts'
import type { Instant } from '../../api/values/time.ts'
import { virtualMachineSchema } from '../../api/virtual-machine.ts'
import { createInformer, type Informer } from '../../kube/informer.ts'
import type { Store } from '../../kube/store.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'

/** What the controller watches. */
export const WATCHED_KINDS = ['pools', 'configs', 'machines', 'instances', 'networks'] as const
export type WatchedKind = (typeof WATCHED_KINDS)[number]
export type ControllerInformers = Readonly<Record<WatchedKind, Informer>>

export const POOLS_BY_NETWORK = 'network'
export const MACHINES_BY_NETWORK = 'network'

export function createControllerInformers(parts: {
  store: Store
  clock: Clock
  random: Random
  log: Logger
}): ControllerInformers {
  const informerOf = (resource: Resource) => createInformer({ ...parts, resource })
  const optional = (resource: Resource, withoutKind: string) =>
    createInformer({ ...parts, resource, withoutKind })
  const noVms = 'is KubeVirt installed? Without it no addresses are asked for on behalf of VMs'
  const informers: ControllerInformers = {
    pools: informerOf(IP_POOLS),
    configs: informerOf(VM_NETWORK_CONFIGS),
    machines: optional(VIRTUAL_MACHINES, noVms),
    instances: optional(VIRTUAL_MACHINE_INSTANCES, noVms),
    networks: optional(
      NETWORK_ATTACHMENT_DEFINITIONS,
      'is Multus installed? Without it no IPPool can be registered with its network',
    ),
  }
  addDemandIndexes(informers.configs)
  informers.pools.addIndex(POOLS_BY_NETWORK, (pool) => servedBy(pool).networks)
  informers.machines.addIndex(MACHINES_BY_NETWORK, (machine) =>
    (virtualMachineSchema.safeParse(machine).data?.spec.template.spec.networks ?? []).flatMap(
      ({ multus }) => readNetwork(multus?.networkName, machine.metadata.namespace) ?? [],
    ),
  )
  return informers
}

/** What of a pool decides who serves a network. */
export interface Serving {
  uid: string
  /** The network as "namespace/name"; none when it cannot be read. */
  networks: readonly string[]
  registered: boolean
}

export function servedBy(pool: KubeObject): Serving {
  const { uid = '', namespace } = pool.metadata
  const summary = ipPoolSummarySchema.safeParse(pool).data
  const network = readNetwork(summary?.spec.networkName, namespace)
  return {
    uid,
    networks: network === undefined ? [] : [network],
    registered: isConditionTrue(summary?.status?.conditions, 'Registered'),
  }
}

/** A network's name as "namespace/name"; undefined when it is none. */
export function readNetwork(name: string | undefined, namespace: string | undefined): string | undefined {
  if (name === undefined) return undefined
  try {
    return formatObjectKey(parseObjectKey(name, namespace))
  } catch {
    return undefined
  }
}

export function all(informers: ControllerInformers): [string, Informer][] {
  return Object.entries(informers)
}

export function whyNotHealthy(informers: ControllerInformers, now: Instant): string[] {
  return all(informers).flatMap(([name, informer]) => {
    if (!informer.synced()) return [`${name}: not listed yet`]
    return informer.healthy(now) ? [] : [`${name}: no word from the API server`]
  })
}
