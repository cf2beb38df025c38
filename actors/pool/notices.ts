import { type Condition, isConditionTrue, setCondition } from '../../src/api/condition.ts'
import type { IPPool } from '../../src/api/ippool.ts'
import type { Instant } from '../../src/api/values/time.ts'
import { leasesOf } from './book.ts'
import { type Lease, leasesOutside, listLeases, nameHolders } from './holders.ts'
import type { PoolEffect } from './messages.ts'
import type { PoolState } from './state.ts'

/** Conditions that are there only while they are true: they say what somebody should do something about. */
interface Notice {
  type: string
  reason: string
  leases: readonly Lease[]
  describe: (leases: string) => string
}

const OUTSIDE = 'LeasesOutsideRange'
const BLOCKED = 'DeletionBlocked'

function noticesOf(state: PoolState, pool: IPPool): Notice[] {
  const { book } = state
  return [
    {
      type: OUTSIDE,
      reason: 'HeldOutsideRange',
      leases: book === undefined ? [] : leasesOutside(book),
      describe: (leases) =>
        `kept by who has them, though the spec does not offer them any more: ${leases}; ` +
        'to give a VM another address, set spec.paused of its VirtualMachineNetworkConfig to true and to false again',
    },
    {
      type: BLOCKED,
      reason: 'AddressesInUse',
      leases: pool.metadata.deletionTimestamp === undefined ? [] : heldLeases(state, pool),
      describe: (leases) =>
        `the IPPool is being deleted and stays until its last address is given back: ${leases}; ` +
        'delete these VMs, or move their interfaces to another network',
    },
  ]
}

export function withNotices(
  state: PoolState,
  pool: IPPool,
  conditions: readonly Condition[],
  now: Instant,
): readonly Condition[] {
  return noticesOf(state, pool).reduce<readonly Condition[]>((list, { type, reason, leases, describe }) => {
    if (leases.length === 0) return list.filter((condition) => condition.type !== type)
    return setCondition(list, type, { status: true, reason, message: describe(listLeases(leases)) }, now)
  }, conditions)
}

/** Told as events, with names, when they become true and when an edit changes them; not each time one VM less is left. */
export function recordNotices(state: PoolState, before: IPPool, after: IPPool, effects: PoolEffect[]): void {
  const isEdit = before.status?.observedGeneration !== after.status?.observedGeneration
  for (const { type, reason, leases, describe } of noticesOf(state, after)) {
    const isNew = !isConditionTrue(before.status?.conditions, type)
    if (leases.length === 0 || !isConditionTrue(after.status?.conditions, type)) continue
    if (!isNew && !isEdit) continue
    const message = describe(nameHolders(leases, state.claims))
    effects.push({ type: 'record', severity: 'Warning', reason, message })
  }
  recordFillLevel(before, after, effects)
}

/** Once when it gets there: 90 % of the addresses held, and all of them. */
function recordFillLevel(before: IPPool, after: IPPool, effects: PoolEffect[]): void {
  const { used: usedBefore = 0, available: availableBefore = 0 } = before.status?.ipv4 ?? {}
  const { used = 0, available = 0 } = after.status?.ipv4 ?? {}
  // Only who takes an address fills a pool; one that was made smaller is what its owner wants.
  if (used <= usedBefore) return
  const grow = 'make spec.ipv4Config.pool larger, or delete VMs that are not needed'
  if (available === 0 && availableBefore > 0) {
    const message = `all ${used} addresses are held; ${grow}`
    effects.push({ type: 'record', severity: 'Warning', reason: 'PoolExhausted', message })
  } else if (isNearlyFull(used, available) && !isNearlyFull(usedBefore, availableBefore)) {
    const message = `${used} of ${used + available} addresses are held; ${grow}`
    effects.push({ type: 'record', severity: 'Warning', reason: 'PoolNearlyExhausted', message })
  }
}

function isNearlyFull(used: number, available: number): boolean {
  return used >= 0.9 * (used + available)
}

function heldLeases({ book }: PoolState, pool: IPPool): readonly Lease[] {
  return book === undefined ? leasesOf(pool) : [...book.allocator.held()]
}
