import { isConditionTrue } from '../../src/api/condition.ts'
import type { KubeObject } from '../../src/api/object.ts'
import { parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../src/api/vm-network-config.ts'
import type { CommittedChange } from '../world/api-server.ts'
import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, leasesOf, nameOf, networkOf, type PoolHistory } from './pool-history.ts'
import type { Wish, Wishes } from './wishes.ts'

/**
 * What must have come true once everything was in order for long enough: laws 5 and 8. Who asks has an address, and
 * nobody else; the objects say so; clients have what the pool says; nothing that was deleted is stuck.
 */
export function afterQuiet(witness: Witness, history: PoolHistory, wishes: Wishes): Invariant {
  const configs = new Map<string, KubeObject>()

  return {
    committed({ plural, previous, next }: CommittedChange) {
      if (plural !== 'virtualmachinenetworkconfigs') return
      const uid = (next ?? previous)?.metadata.uid ?? ''
      if (next === undefined) configs.delete(uid)
      else configs.set(uid, next)
    },

    quiet() {
      const asked = soleWishes(wishes)
      for (const pool of history.pools()) {
        const network = networkOf(pool)
        const parsed = parsePoolConfiguration(pool)
        if (!parsed.ok) continue
        const isAlone = history.on(network).length === 1
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
        if (!isAlone || pool.spec.paused || pool.metadata.deletionTimestamp !== undefined) continue
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
        for (const wish of asked.filter((candidate) => candidate.network === network)) {
          judgeWish(wish, leasesOf(pool), pool.status?.ipv4?.available ?? 0)
        }
      }
      for (const config of configs.values()) {
        if (config.metadata.deletionTimestamp === undefined) continue
        const name = `${config.metadata.namespace}/${config.metadata.name}`
        witness.violated(
          'nothing is stuck',
          `VirtualMachineNetworkConfig ${name} was deleted and is still there`,
          [name],
        )
      }
      judgeClients()
    },
  }

  function judgeWish(wish: Wish, leases: ReadonlyMap<string, string>, available: number): void {
    const address = [...leases].find(([, mac]) => mac === wish.mac)?.[0]
    const config = vmNetworkConfigSchema.safeParse(configs.get(wish.uid)).data
    const status = config === undefined ? [] : networkStatuses(config)
    const told = status.find(
      ({ macAddress, networkName }) =>
        macAddress === wish.mac &&
        formatObjectKey(parseObjectKey(networkName, config?.metadata.namespace)) === wish.network,
    )
    if (address === undefined) {
      if (wish.pin !== undefined || available === 0) return
      const message = `${wish.owner} asks for an address for ${wish.mac} and has none (${told?.state}: ${told?.message ?? 'no word of it'}), although ${available} are free`
      witness.violated('who asks is given', message, [wish.mac, wish.owner])
      return
    }
    if (wish.pin !== undefined && wish.pin !== address) return
    if (told?.allocatedIPAddress === address && told.state === 'Allocated') return
    const message = `the status of ${wish.owner} says ${told?.state} ${told?.allocatedIPAddress ?? ''} for ${wish.mac}, which has ${address}`
    witness.violated('the status comes true', message, [wish.mac, address, wish.owner])
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

/** Of those who ask for a MAC that nobody else asks for. */
function soleWishes(wishes: Wishes): Wish[] {
  return wishes.all().filter(({ network, mac }) => wishes.of(network, mac).length === 1)
}
