import type { NicPlan, Operation } from '../plan/operations.ts'
import type { NetworkPlan } from '../plan/plan.ts'
import type { Chance } from '../world/chance.ts'

/** Its IPPool has a name of its own, with dots as Kubernetes allows them, and perhaps is in another namespace. */
export function withOwnPool(chance: Chance, on: NetworkPlan): NetworkPlan {
  const namespace = chance.pick(['default', 'harvester-system'])
  return {
    ...on,
    pool: { namespace, name: chance.pick([`lan-of-${on.name}`, `pool.of.${on.name}`, `${on.name}.v1`]) },
  }
}

/** The MAC is not in the VM's template, or the network has no namespace there. */
function namedOtherwise(chance: Chance, plugged: NicPlan): NicPlan {
  const macIn = chance.pick(['template', 'annotation', 'instance'] as const)
  return {
    ...plugged,
    ...(macIn !== 'template' && { macIn }),
    ...(chance.happens(0.5) && { bareName: true as const }),
  }
}

/** The same, with NICs whose MACs and networks stand elsewhere. */
export function renamed(chance: Chance, operation: Operation): Operation {
  switch (operation.type) {
    case 'vm-create':
      return { ...operation, nics: operation.nics.map((nic) => namedOtherwise(chance, nic)) }
    case 'nic-add':
      return { ...operation, nic: namedOtherwise(chance, operation.nic) }
    default:
      return operation
  }
}
