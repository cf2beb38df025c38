import type { Observed } from '../../../actors/vm/messages.ts'
import { isConditionTrue } from '../../api/condition.ts'
import { type IPPoolSummary, ipPoolSummarySchema } from '../../api/ippool.ts'
import { formatObjectKey, type ObjectKey, parseObjectKey } from '../../api/values/object-key.ts'
import { virtualMachineInstanceSchema, virtualMachineSchema } from '../../api/virtual-machine.ts'
import { networkStatuses, requestedNetworks, vmNetworkConfigSchema } from '../../api/vm-network-config.ts'
import { keyOf } from '../../kube/object-cache.ts'
import { type ControllerInformers, POOLS_BY_NETWORK } from './informers.ts'

/** What the watches know about one VM now. An object that is malformed counts as absent. */
export function observeVm(informers: ControllerInformers, key: ObjectKey): Observed {
  const vm = virtualMachineSchema.safeParse(informers.machines.get(key)).data
  const instance = virtualMachineInstanceSchema.safeParse(informers.instances.get(key)).data
  const config = vmNetworkConfigSchema.safeParse(informers.configs.get(key)).data

  const names = [
    ...(vm?.spec.template.spec.networks ?? []).map(({ multus }) => multus?.networkName),
    ...(config === undefined ? [] : [...requestedNetworks(config), ...networkStatuses(config)]).map(
      ({ networkName }) => networkName,
    ),
  ]
  const pools = new Map<string, ObjectKey>()
  for (const name of names) {
    const network = readNetwork(name, key.namespace)
    if (network === undefined || pools.has(network)) continue
    const pool = servingPool(informers, network)
    if (pool !== undefined) pools.set(network, pool)
  }
  return { vm, instance, config, pools }
}

/** Of several pools on one network, the one that the network is registered with; else the oldest. */
function servingPool(informers: ControllerInformers, network: string): ObjectKey | undefined {
  const age = ({ metadata }: IPPoolSummary) => `${metadata.creationTimestamp} ${metadata.uid}`
  const candidates = informers.pools
    .byIndex(POOLS_BY_NETWORK, network)
    .flatMap((pool) => ipPoolSummarySchema.safeParse(pool).data ?? [])
    .sort((a, b) => (age(a) < age(b) ? -1 : 1))
  const registered = candidates.find(({ status }) => isConditionTrue(status?.conditions, 'Registered'))
  const chosen = registered ?? candidates[0]
  return chosen === undefined ? undefined : keyOf(chosen)
}

function readNetwork(name: string | undefined, namespace: string): string | undefined {
  if (name === undefined) return undefined
  try {
    return formatObjectKey(parseObjectKey(name, namespace))
  } catch {
    return undefined
  }
}
