import { parsePoolConfiguration, reservedAddresses } from '../../src/api/pool-configuration.ts'
import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { Invariant, Witness } from './invariant.ts'
import { leasesOf, nameOf } from './pool-history.ts'

/**
 * Law 8, and what goes with it: used + available = capacity, counted here once more; no MAC with two addresses; an
 * address that is newly given lies in the range and is not excluded; what agents must learn has a revision of its own.
 */
export function booksBalance(witness: Witness): Invariant {
  return {
    poolChanged({ pool, previous, by, given, taken }) {
      if (by === 'operator' || by === 'api') return
      const name = nameOf(pool)
      const parsed = parsePoolConfiguration(pool)
      const status = pool.status?.ipv4
      if (!parsed.ok || status === undefined) return
      // What is written is about the spec that was read: a later write may be about a later one.
      if (pool.status?.observedGeneration !== pool.metadata.generation) return
      const { configuration } = parsed
      const { range } = configuration
      const excluded = new Set([...configuration.excluded, ...reservedAddresses(configuration)])
      const isOffered = (address: number) =>
        address >= range.start && address <= range.end && !setHas(excluded, address)
      const outside = [...excluded].filter((address) => address < range.start || address > range.end).length
      const capacity = range.end - range.start + 1 - (excluded.size - outside)
      const leases = [...leasesOf(pool)].map(([address, mac]) => [parseIPv4Address(address), mac] as const)
      const used = leases.filter(([address]) => isOffered(address)).length
      const { used: saidUsed = 0, available = 0 } = status
      if (saidUsed !== used || available !== capacity - used) {
        const message = `${by} wrote used ${saidUsed} and available ${available} into ${name}; of ${capacity} addresses ${used} are used`
        witness.violated('used + available = capacity', message, [name])
      }
      const macs = leases.map(([, mac]) => mac)
      const twice = macs.find((mac, index) => macs.indexOf(mac) !== index)
      if (twice !== undefined) {
        witness.violated('one address a MAC', `${by} wrote two addresses of ${twice} into ${name}`, [
          twice,
          name,
        ])
      }
      for (const { address, mac } of given) {
        if (isOffered(parseIPv4Address(address))) continue
        const message = `${by} gave ${address} to ${mac}, which ${name} does not offer`
        witness.violated('only what is offered', message, [address, mac, name])
      }
      const before = previous?.status?.ipv4?.revision ?? -1
      if ((given.length > 0 || taken.length > 0) && (status.revision ?? -1) <= before) {
        const message = `${by} changed leases of ${name} and left revision ${before} at ${status.revision}: agents miss it`
        witness.violated('a change has a revision', message, [name])
      }
    },
  }
}

function setHas(set: ReadonlySet<number>, value: number): boolean {
  return set.has(value)
}
