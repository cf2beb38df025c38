import type { NicPlan, Operation } from '../plan/operations.ts'
import type { Plan } from '../plan/plan.ts'

/** A pause longer than this is worth shortening. */
const SHORT_PAUSE = 1_000

/** Fewer interfaces, fewer of them pinned or named in unusual ways, and guests that follow sooner. */
export function simplerOperations(plan: Plan): Plan[] {
  return plan.operations.flatMap((operation, index) =>
    simpler(operation).map((instead) => ({ ...plan, operations: plan.operations.with(index, instead) })),
  )
}

/** Pools that are called as their networks are. */
export function usualPools(plan: Plan): Plan[] {
  return plan.networks.flatMap((network, index) => {
    const { pool, ...usual } = network
    return pool === undefined ? [] : [{ ...plan, networks: plan.networks.with(index, usual) }]
  })
}

function simpler(operation: Operation): Operation[] {
  switch (operation.type) {
    case 'vm-create': {
      const { nics } = operation
      const fewer = nics.length === 1 ? [] : nics.map((_, index) => nics.toSpliced(index, 1))
      const plainer = nics.flatMap((nic, index) =>
        plainerNics(nic).map((instead) => nics.with(index, instead)),
      )
      return [...fewer, ...plainer].map((instead) => ({ ...operation, nics: instead }))
    }
    case 'nic-add':
      return plainerNics(operation.nic).map((nic) => ({ ...operation, nic }))
    case 'nic-move':
    case 'mac-change': {
      const { follows, ...atOnce } = operation
      return follows === undefined ? [] : [atOnce]
    }
    case 'guest-pause': {
      const { lasts } = operation
      return lasts > SHORT_PAUSE ? [{ ...operation, lasts: Math.ceil(lasts / 2) }] : []
    }
    case 'node-lost':
      return operation.isCutOff ? [{ ...operation, isCutOff: false }] : []
    default:
      return []
  }
}

function plainerNics({ name, network, mac, pin, macIn, bareName }: NicPlan): NicPlan[] {
  const plain = { name, network, mac }
  const pinned = pin === undefined ? plain : { ...plain, pin }
  const named = { ...plain, ...(macIn && { macIn }), ...(bareName && { bareName }) }
  return [
    ...(macIn !== undefined || bareName !== undefined ? [pinned] : []),
    ...(pin === undefined ? [] : [named]),
  ]
}
