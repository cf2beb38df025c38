import type { Observed, ServingPool } from '../../../actors/vm/messages.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ObjectKey } from '../../api/values/object-key.ts'
import { virtualMachineInstanceSchema, virtualMachineSchema } from '../../api/virtual-machine.ts'
import { networkStatuses, requestedNetworks, vmNetworkConfigSchema } from '../../api/vm-network-config.ts'
import { keyOf } from '../../kube/object-cache.ts'
import { type ControllerInformers, POOLS_BY_NETWORK, readNetwork, servedBy } from './informers.ts'

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
  const pools = new Map<string, ServingPool>()
  for (const name of names) {
    const network = readNetwork(name, key.namespace)
    if (network === undefined || pools.has(network)) continue
    const pool = servingPool(informers, network)
    if (pool !== undefined) pools.set(network, pool)
  }
  return { vm, instance, config, pools }
}

/** Of several pools on one network, the one that the network is registered with; else the oldest. */
function servingPool(informers: ControllerInformers, network: string): ServingPool | undefined {
  const age = ({ metadata }: KubeObject) => `${metadata.creationTimestamp} ${metadata.uid}`
  const candidates = informers.pools.byIndex(POOLS_BY_NETWORK, network)
  if (candidates.length > 1) candidates.sort((a, b) => (age(a) < age(b) ? -1 : 1))
  const chosen = candidates.find((pool) => servedBy(pool).registered) ?? candidates[0]
  return chosen === undefined ? undefined : { ...keyOf(chosen), uid: chosen.metadata.uid ?? '' }
}
