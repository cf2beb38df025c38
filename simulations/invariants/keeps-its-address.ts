import type { KubeObject } from '../../src/api/object.ts'
import { formatObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../src/api/vm-network-config.ts'
import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, type PoolHistory, time } from './pool-history.ts'
import { nameOf, type Wish, type Wishes } from './wishes.ts'

/** A write may have been decided, or have been on its way, before the wish was there: until its owner is told. */
const HASTE = 45_000
/** What people wrote of an address by hand may take so long to come to its end. */
const AFTERMATH = 120_000

/** Law 7: a MAC that was given an address keeps it until its owner gives it up. */
export function keepsItsAddress(witness: Witness, history: PoolHistory, wishes: Wishes): Invariant {
  const isRecent = (at: number | undefined) => at !== undefined && witness.now() - at < AFTERMATH
  /** Wishes whose owner was told of an address since they are there. */
  const told = new WeakMap<Wish, string>()

  return {
    committed({ plural, previous, next }) {
      if (plural !== 'virtualmachinenetworkconfigs' || next === undefined || previous === undefined) return
      const before = new Set(allocations(previous).map(({ key }) => key))
      const newly = allocations(next).filter(({ key }) => !before.has(key))
      for (const { network, mac, address } of newly) {
        const wish = wishes.of(network, mac).find(({ owner }) => owner === nameOf(next))
        // One that is newer than this write may not be what it answers.
        if (wish !== undefined && wish.since < witness.now()) told.set(wish, address)
      }
    },

    poolChanged({ pool, by, taken }) {
      if (by === 'operator' || pool.metadata.deletionTimestamp !== undefined) return
      for (const tenure of taken) {
        if (isRecent(history.touchedAt(tenure))) continue
        const asking = wishes.of(tenure.network, tenure.mac)
        const [wish] = asking
        // Two who ask for one MAC: one of them has to go without.
        if (wish === undefined || asking.length > 1) continue
        const isHasty = witness.now() - Math.max(wish.since, tenure.from.at) < HASTE
        if (isHasty && told.get(wish) !== tenure.address) continue
        if (wish.pin !== undefined && wish.pin !== tenure.address) continue
        const lines = [
          `${by} took ${tenure.address} from ${tenure.mac}, for which ${wish.owner} asks since ${time(wish.since)}:`,
          `  ${describeTenure(tenure)}`,
        ]
        witness.violated('keeps its address', lines.join('\n'), [tenure.address, tenure.mac, wish.owner])
      }
    },
  }
}

/** What an object says that it was given. */
function allocations(object: KubeObject) {
  const config = vmNetworkConfigSchema.safeParse(object).data
  if (config === undefined) return []
  return networkStatuses(config).flatMap(
    ({ allocatedIPAddress: address, macAddress: mac, networkName, state }) => {
      if (state !== 'Allocated' || !address) return []
      const network = formatObjectKey(parseObjectKey(networkName, config.metadata.namespace))
      return [{ network, mac, address, key: `${network} ${mac} ${address}` }]
    },
  )
}
