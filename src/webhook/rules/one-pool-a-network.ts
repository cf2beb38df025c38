import type { FieldProblem } from '../../api/field-problem.ts'
import type { IPPool } from '../../api/ippool.ts'
import { formatObjectKey, type ObjectKey, sameObjectKey } from '../../api/values/object-key.ts'
import { keyOf } from '../../kube/object-cache.ts'
import { poolsOn } from './holders.ts'

/** Two pools on one network would answer its clients with two addresses; one that is being deleted serves until it is gone. */
export function onePoolPerNetwork(
  pool: ObjectKey,
  network: ObjectKey,
  pools: readonly IPPool[],
): readonly FieldProblem[] {
  const other = poolsOn(network, pools).find((candidate) => !sameObjectKey(keyOf(candidate), pool))
  if (other === undefined) return []
  const name = formatObjectKey(keyOf(other))
  const advice =
    other.metadata.deletionTimestamp === undefined
      ? 'extend the range of that pool, or delete it first'
      : 'it is being deleted, wait until it is gone'
  const message = `the network ${formatObjectKey(network)} is served by the IPPool ${name} already; ${advice}`
  return [{ path: 'spec.networkName', message }]
}
