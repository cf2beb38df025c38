import { formatObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import { type NetworkStatus, networkStatuses, type VmNetworkConfig } from '../../src/api/vm-network-config.ts'
import { networkOf, type PoolHistory } from './pool-history.ts'
import type { Wish, Wishes } from './wishes.ts'

/** What the status of a wish's object says of it. */
export function toldOf(wishes: Wishes, { owner, network, mac }: Wish): NetworkStatus | undefined {
  const config = wishes.configs().get(owner)
  if (config === undefined) return undefined
  return networkStatuses(config).find((entry) => nicOf(entry, config) === `${network} ${mac}`)
}

/** `default/net-1 02:00:00:00:00:01` */
export function nicOf(
  { networkName, macAddress }: Pick<NetworkStatus, 'networkName' | 'macAddress'>,
  config: VmNetworkConfig,
): string {
  const network = parseObjectKey(networkName, config.metadata.namespace)
  return `${formatObjectKey(network)} ${macAddress.toLowerCase()}`
}

/** The pools that give addresses: alone on their networks, not paused, not being deleted. */
export function openPools(history: PoolHistory) {
  return [...history.pools()].filter(
    (pool) =>
      history.on(networkOf(pool)).length === 1 &&
      !pool.spec.paused &&
      pool.metadata.deletionTimestamp === undefined,
  )
}
