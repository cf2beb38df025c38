import type { IPPool } from '../../src/api/ippool.ts'
import { parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, type PoolHistory, type Tenure, time } from './pool-history.ts'

/** What was taken while its client ran, and how long a lease may have been that the client was given last. */
interface Taken {
  readonly client: string
  readonly leaseMs: number
}

/**
 * Law 1, as the pool sees it: an address given back while its client runs rests for the lease time before another MAC
 * gets it, whether or not that one's client is there to be seen with it.
 */
export function addressesRest(witness: Witness, history: PoolHistory): Invariant {
  const atRest = new WeakMap<Tenure, Taken>()

  return {
    poolChanged({ pool, by, given, taken }) {
      // Before what was taken is noted: an address that passes from one to another in one write does not rest at all.
      for (const tenure of taken) {
        const leaseMs = leaseTime(pool)
        const client = witness
          .clients()
          .find(({ network, mac }) => `default/${network}` === tenure.network && mac === tenure.mac)
        // What people take by hand nobody may have seen; the lease time of a spec that is wrong nobody knows.
        if (client === undefined || leaseMs === undefined || isByHand(by)) continue
        atRest.set(tenure, { client: client.name, leaseMs })
      }
      if (isByHand(by)) return
      for (const tenure of given) judge(tenure)
    },
  }

  function judge(given: Tenure): void {
    const tenures = history.of(given.network, given.address)
    for (const [index, earlier] of tenures.entries()) {
      // Who has it back gives it back anew.
      if (tenures.slice(index + 1).some(({ mac }) => mac === earlier.mac)) continue
      const rest = atRest.get(earlier)
      if (rest === undefined || earlier.to === undefined || earlier.mac === given.mac) continue
      const until = earlier.to.at + rest.leaseMs
      if (given.from.at >= until) continue
      const lines = [
        `${given.address} was given to ${given.mac} at ${time(given.from.at)}, although ${rest.client} ran when it was taken from ${earlier.mac}, and may use it until ${time(until)}:`,
        `  ${describeTenure(earlier)}`,
        `  ${describeTenure(given)}`,
      ]
      witness.violated('addresses rest', lines.join('\n'), [given.address, given.mac, earlier.mac])
    }
  }
}

function isByHand(by: string): boolean {
  return by === 'operator' || by === 'api'
}

function leaseTime(pool: IPPool): number | undefined {
  const parsed = parsePoolConfiguration(pool)
  return parsed.ok ? parsed.configuration.leaseSeconds * 1000 : undefined
}
