import { isConditionTrue } from '../../src/api/condition.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { countBooks } from './books.ts'
import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, leasesOf, nameOf, networkOf, type PoolHistory } from './pool-history.ts'
import { openPools } from './told.ts'
import type { Wishes } from './wishes.ts'

/**
 * What must have come true once everything was in order for long enough: laws 5 and 8. Nobody has an address who does not
 * ask; pools say how they are; clients have what the pool says; nothing that was deleted is stuck.
 */
export function afterQuiet(witness: Witness, history: PoolHistory, wishes: Wishes): Invariant {
  return {
    quiet() {
      for (const pool of history.pools()) {
        const network = networkOf(pool)
        for (const [address, mac] of leasesOf(pool)) {
          if (wishes.of(network, mac).length > 0) continue
          const tenure = history.of(network, address).at(-1)
          const story = tenure === undefined ? '' : `\n  ${describeTenure(tenure)}`
          const message = `${nameOf(pool)} still holds ${address} for ${mac}, for which nobody asks${story}`
          witness.violated('no leaks', message, [address, mac])
        }
        if (pool.metadata.deletionTimestamp !== undefined && leasesOf(pool).size === 0) {
          const message = `IPPool ${nameOf(pool)} was deleted, holds nothing and is still there`
          witness.violated('nothing is stuck', message, [nameOf(pool)])
        }
      }
      for (const pool of openPools(history)) {
        if (countBooks(pool) === undefined) continue
        for (const [condition, isFine] of [
          ['Registered', true],
          ['CacheReady', true],
          ['AgentReady', true],
          ['Stopped', false],
        ] as const) {
          if (isConditionTrue(pool.status?.conditions, condition) === isFine) continue
          const said = pool.status?.conditions?.find(({ type }) => type === condition)
          const message = `${nameOf(pool)} says ${condition} ${said?.status}: ${said?.reason ?? ''} ${said?.message ?? ''}`
          witness.violated('conditions come true', message, [nameOf(pool)])
        }
      }
      for (const [name, config] of wishes.configs()) {
        if (config.metadata.deletionTimestamp === undefined) continue
        const message = `VirtualMachineNetworkConfig ${name} was deleted and is still there`
        witness.violated('nothing is stuck', message, [name])
      }
      judgeClients()
    },
  }

  function judgeClients(): void {
    for (const { name, network, mac, client } of witness.clients()) {
      const held = history.heldBy(`default/${network}`, mac)
      const lease = client.lease()
      const has = lease === undefined ? undefined : formatIPv4Address(lease.address)
      const [tenure] = held
      const pools = history.on(`default/${network}`)
      if (held.length > 1 || pools.length !== 1 || pools[0]?.spec.paused) continue
      if (has === tenure?.address) continue
      const should = tenure === undefined ? 'should have none' : `should have ${tenure.address}`
      const message = `${name} (${mac}, ${client.state()}) has ${has ?? 'no address'} and ${should}`
      witness.violated('clients have what the pool says', message, [mac, ...(has === undefined ? [] : [has])])
    }
  }
}
