import type { IPPool } from '../../src/api/ippool.ts'
import { countBooks } from './books.ts'
import type { Invariant, Witness } from './invariant.ts'
import { leasesOf, nameOf } from './pool-history.ts'

/**
 * Law 8, and what goes with it: used + available = capacity, counted here once more; no MAC with two addresses; an
 * address that is newly given lies in the range and is not excluded; what agents must learn has a revision of its own.
 */
export function booksBalance(witness: Witness): Invariant {
  /** By uid and generation: what is written is about the spec that was read, and that may not be the latest. */
  const specs = new Map<string, IPPool['spec']>()

  return {
    poolChanged({ pool, previous, by, given, taken }) {
      const { uid = '', generation } = pool.metadata
      specs.set(`${uid} ${generation}`, pool.spec)
      if (by === 'operator' || by === 'api') return
      const name = nameOf(pool)
      const status = pool.status?.ipv4
      const spec = specs.get(`${uid} ${pool.status?.observedGeneration}`)
      if (spec === undefined || status === undefined) return
      const books = countBooks({ ...pool, spec })
      if (books === undefined) return
      const { capacity, used } = books
      const { used: saidUsed = 0, available = 0 } = status
      if (saidUsed !== used || available !== capacity - used) {
        const message = `${by} wrote used ${saidUsed} and available ${available} into ${name}; of ${capacity} addresses ${used} are used`
        witness.violated('used + available = capacity', message, [name])
      }
      const macs = [...leasesOf(pool).values()]
      const twice = macs.find((mac, index) => macs.indexOf(mac) !== index)
      if (twice !== undefined) {
        const message = `${by} wrote two addresses of ${twice} into ${name}`
        witness.violated('one address a MAC', message, [twice, name])
      }
      for (const { address, mac } of given) {
        if (books.isOffered(address)) continue
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
