import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, nameOf, type PoolHistory, time } from './pool-history.ts'
import type { Wishes } from './wishes.ts'

/** A write may have been decided, or have been on its way, before the wish was there. */
const HASTE = 45_000
/** What people did by hand may take so long to come to its end. */
const AFTERMATH = 120_000

/** Law 7: a MAC that was given an address keeps it until its owner gives it up. */
export function keepsItsAddress(witness: Witness, history: PoolHistory, wishes: Wishes): Invariant {
  const isRecent = (at: number | undefined) => at !== undefined && witness.now() - at < AFTERMATH

  return {
    poolChanged({ pool, by, taken }) {
      const edited = history.editedAt(nameOf(pool))
      if (by === 'operator' || pool.metadata.deletionTimestamp !== undefined) return
      if (isRecent(edited.status)) return
      for (const tenure of taken) {
        const asking = wishes.of(tenure.network, tenure.mac)
        const [wish] = asking
        // Two who ask for one MAC: one of them has to go without.
        if (wish === undefined || asking.length > 1) continue
        if (witness.now() - Math.max(wish.since, tenure.from.at) < HASTE) continue
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
