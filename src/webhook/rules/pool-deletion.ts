import { isConditionTrue } from '../../api/condition.ts'
import type { IPPool } from '../../api/ippool.ts'
import { formatObjectKey, sameObjectKey } from '../../api/values/object-key.ts'
import type { VmNetworkConfig } from '../../api/vm-network-config.ts'
import { keyOf } from '../../kube/object-cache.ts'
import { andMore, holdingsOf, nameHoldings, networkOf, ownersIn, poolsOn } from './holders.ts'
import { describeOwner, isAsking, wishesOf } from './wishes.ts'

/**
 * Why the pool may not go: somebody holds an address of it, or asks for one, whatever their names and namespaces are.
 * In a namespace that is being deleted only what is outside of it counts: everything inside goes too.
 */
export function whyNotDeletable(
  pool: IPPool,
  pools: readonly IPPool[],
  configs: readonly VmNetworkConfig[],
  terminating: boolean,
): string | undefined {
  const network = networkOf(pool)
  const namespace = pool.metadata.namespace
  const counts = (config: VmNetworkConfig) => !terminating || config.metadata.namespace !== namespace
  const holdings = holdingsOf(pool)
  const owners = terminating ? ownersIn(configs.filter(counts)) : undefined
  const held = holdings.filter(({ mac }) => owners === undefined || owners(mac, network).length > 0)
  const where = network === undefined ? 'its network' : formatObjectKey(network)
  const advice = `remove these VMs, or their interfaces on ${where}, first`
  if (held.length > 0) {
    return `the IPPool is in use: ${nameHoldings(held, network, configs)}; ${advice}`
  }
  if (network === undefined || isServedByAnother(pool, pools)) return undefined
  const asking = configs.filter(
    (config) =>
      counts(config) &&
      isAsking(config) &&
      wishesOf(config).some((wish) => wish.network !== undefined && sameObjectKey(wish.network, network)),
  )
  if (asking.length === 0) return undefined
  const names = andMore(asking.map(describeOwner), asking.length)
  return `the IPPool is in use: ${names} ask${asking.length === 1 ? 's' : ''} for an address on ${where}; ${advice}`
}

/** Of two pools on one network only one is registered; the other is in nobody's way. */
function isServedByAnother(pool: IPPool, pools: readonly IPPool[]): boolean {
  const network = networkOf(pool)
  if (network === undefined) return false
  return poolsOn(network, pools).some(
    (other) =>
      !sameObjectKey(keyOf(other), keyOf(pool)) &&
      other.metadata.deletionTimestamp === undefined &&
      isConditionTrue(other.status?.conditions, 'Registered'),
  )
}
