import * as z from 'zod'
import { ipPoolSchema } from '../api/ippool.ts'
import type { KubeObject } from '../api/object.ts'
import {
  IP_POOLS,
  NAMESPACES,
  NETWORK_ATTACHMENT_DEFINITIONS,
  type Resource,
  SERVICE_CIDRS,
  SERVICES,
  VIRTUAL_MACHINES,
  VM_NETWORK_CONFIGS,
} from '../api/resource.ts'
import { type Cidr, parseCidr } from '../api/values/cidr.ts'
import { vmNetworkConfigSchema } from '../api/vm-network-config.ts'
import { ForbiddenError, KindNotServedError, NotFoundError } from '../kube/errors.ts'
import { readIfThere } from '../kube/read-if-there.ts'
import type { Store } from '../kube/store.ts'
import type { ClusterView, ServiceRange } from './cluster-view.ts'
import { readable } from './rules/wishes.ts'
import { shareReads } from './shared-read.ts'

export interface StoreClusterViewOptions {
  store: Store
  /** Of the cluster's Services, where the API does not say. */
  serviceCidrs?: readonly Cidr[]
}

const serviceCidrSchema = z.looseObject({ spec: z.looseObject({ cidrs: z.array(z.string()) }) })
const serviceSchema = z.looseObject({ spec: z.looseObject({ clusterIPs: z.array(z.string()).optional() }) })
const namespaceSchema = z.looseObject({ status: z.looseObject({ phase: z.string().optional() }).optional() })

/** Reads at the moment of asking; those who ask at the same time share a list. */
export function createStoreClusterView({ store, serviceCidrs = [] }: StoreClusterViewOptions): ClusterView {
  const listPools = shareReads(() => listOf(store, IP_POOLS, (item) => ipPoolSchema.safeParse(item).data))
  const listConfigs = shareReads(() =>
    listOf(store, VM_NETWORK_CONFIGS, (item) => vmNetworkConfigSchema.safeParse(item).data),
  )
  return {
    pools: listPools,
    configs: listConfigs,
    networkExists: async (network) =>
      (await readIfThere(store, NETWORK_ATTACHMENT_DEFINITIONS, network)) !== undefined,
    vmExists: (vm) =>
      toleratingAbsence(
        async () => (await readIfThere(store, VIRTUAL_MACHINES, vm)) !== undefined,
        undefined,
      ),
    async serviceRanges() {
      const told = serviceCidrs.map((subnet) => ({ subnet, source: '--service-cidr' }))
      return [...told, ...(await rangesOfTheApi(store)), ...(await addressOfTheApi(store))]
    },
    async namespaceTerminating(name) {
      const namespace = await readIfThere(store, NAMESPACES, { namespace: '', name })
      const phase = namespaceSchema.safeParse(namespace).data?.status?.phase
      return namespace?.metadata.deletionTimestamp !== undefined || phase === 'Terminating'
    },
  }
}

/** Kubernetes 1.33 and later says which addresses its Services have. */
async function rangesOfTheApi(store: Store): Promise<readonly ServiceRange[]> {
  const items = await toleratingAbsence(() => store.list(SERVICE_CIDRS).then((list) => list.items), [])
  return items.flatMap((item) => {
    const cidrs = serviceCidrSchema.safeParse(item).data?.spec.cidrs ?? []
    return rangesOf(cidrs, `ServiceCIDR ${item.metadata.name}`)
  })
}

/** Earlier ones do not; but the API server itself has one of the addresses. */
async function addressOfTheApi(store: Store): Promise<readonly ServiceRange[]> {
  const key = { namespace: 'default', name: 'kubernetes' }
  const service = await toleratingAbsence(() => readIfThere(store, SERVICES, key), undefined)
  const addresses = serviceSchema.safeParse(service).data?.spec.clusterIPs ?? []
  return rangesOf(
    addresses.map((address) => `${address}/32`),
    'Service default/kubernetes',
  )
}

/** Those of IPv6 are in nobody's way. */
function rangesOf(cidrs: readonly string[], source: string): readonly ServiceRange[] {
  return cidrs.flatMap((text) => {
    const subnet = readable(() => parseCidr(text))
    return subnet === undefined ? [] : [{ subnet, source }]
  })
}

async function listOf<T>(
  store: Store,
  resource: Resource,
  parse: (item: KubeObject) => T | undefined,
): Promise<readonly T[]> {
  const { items } = await store.list(resource)
  return items.flatMap((item) => parse(item) ?? [])
}

/** A kind that this API server does not have, or does not show us. */
async function toleratingAbsence<T>(read: () => Promise<T>, absent: T): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const isAbsent = error instanceof KindNotServedError || error instanceof NotFoundError
    if (isAbsent || error instanceof ForbiddenError) return absent
    throw error
  }
}
