import type { IPPool } from '../../src/api/ippool.ts'
import type { KubeObject } from '../../src/api/object.ts'
import { IP_POOLS, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import type { VmNetworkConfig } from '../../src/api/vm-network-config.ts'
import { mutate, validate } from '../../src/webhook/admit.ts'
import type { ClusterView, ServiceRange } from '../../src/webhook/cluster-view.ts'
import { NET_48 } from '../support/objects.ts'

/** A cluster as rules see it; the VM Network default/net-48 and every VM are there unless a test says otherwise. */
export function clusterWith(
  facts: {
    pools?: IPPool[]
    configs?: VmNetworkConfig[]
    networks?: string[]
    missingVms?: string[]
    services?: ServiceRange[]
    terminating?: string[]
  } = {},
): ClusterView {
  const { networks = [NET_48], missingVms = [], terminating = [] } = facts
  return {
    pools: async () => facts.pools ?? [],
    configs: async () => facts.configs ?? [],
    networkExists: async (network) => networks.includes(formatObjectKey(network)),
    vmExists: async (vm) => !missingVms.includes(formatObjectKey(vm)),
    serviceRanges: async () => facts.services ?? [],
    namespaceTerminating: async (namespace) => terminating.includes(namespace),
  }
}

interface Write {
  resource?: typeof IP_POOLS
  object?: KubeObject
  oldObject?: KubeObject
  operation?: 'CREATE' | 'UPDATE' | 'DELETE'
}

/** What kubectl shows: the refusal, or "allowed", with warnings. */
export async function answerTo(write: Write, view: ClusterView = clusterWith()): Promise<string> {
  const { oldObject, object, resource = IP_POOLS } = write
  const operation = write.operation ?? (oldObject === undefined ? 'CREATE' : 'UPDATE')
  const verdict = await validate({ operation, resource, object, oldObject }, view, {
    missingNetwork: 'refuse',
  })
  if (!verdict.allowed) return verdict.message
  return ['allowed', ...verdict.warnings.map((warning) => `Warning: ${warning}`)].join('\n')
}

export const answerToPool = (object: IPPool, oldObject?: IPPool, view?: ClusterView) =>
  answerTo({ object, ...(oldObject === undefined ? {} : { oldObject }) }, view)
export const answerToConfig = (object: VmNetworkConfig, oldObject?: VmNetworkConfig, view?: ClusterView) =>
  answerTo({ resource: VM_NETWORK_CONFIGS, object, ...(oldObject === undefined ? {} : { oldObject }) }, view)
export const answerToDeletion = (oldObject: KubeObject, view?: ClusterView) =>
  answerTo({ operation: 'DELETE', oldObject }, view)

export async function stored(
  object: KubeObject,
  {
    view = clusterWith(),
    resource = IP_POOLS,
    oldObject,
  }: Omit<Write, 'object'> & { view?: ClusterView } = {},
): Promise<KubeObject | undefined> {
  const operation = oldObject === undefined ? 'CREATE' : 'UPDATE'
  return mutate({ operation, resource, object, oldObject }, view)
}
