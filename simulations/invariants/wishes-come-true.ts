import type { IPPool } from '../../src/api/ippool.ts'
import { EPOCH } from '../world/machine.ts'
import { countBooks } from './books.ts'
import type { Invariant, Witness } from './invariant.ts'
import { leasesOf, networkOf, type PoolHistory } from './pool-history.ts'
import { openPools, toldOf } from './told.ts'
import type { Wish, Wishes } from './wishes.ts'

/**
 * Law 8 for each who asks, after quiet: an address, the pinned one if it can be had; of several who ask for one MAC one is
 * given; the objects say so; and who goes without is told why.
 */
export function wishesComeTrue(witness: Witness, history: PoolHistory, wishes: Wishes): Invariant {
  return {
    quiet() {
      for (const pool of openPools(history)) {
        const asking = wishes.all().filter(({ network }) => network === networkOf(pool))
        for (const mac of new Set(asking.map((wish) => wish.mac))) {
          const rivals = asking.filter((wish) => wish.mac === mac)
          const [wish] = rivals
          // The NICs of one VM that share a MAC share an address too.
          const owners = new Set(rivals.map(({ owner }) => owner))
          if (owners.size === 1 && rivals.length > 1) continue
          if (wish !== undefined && rivals.length === 1) judgeOne(wish, pool)
          else judgeRivals(rivals, pool)
        }
      }
      for (const wish of wishes.all()) judgeWithout(wish)
    },
  }

  function judgeOne(wish: Wish, pool: IPPool): void {
    const { mac, owner, pin } = wish
    const address = held(pool, mac)
    const told = toldOf(wishes, wish)
    const books = countBooks(pool)
    if (books === undefined) return
    if (pin !== undefined && pin !== address) {
      if (!books.isOffered(pin) || !isFree(pool, pin, mac)) return
      const message = `${owner} pins ${pin} for ${mac}, which is free, and has ${address ?? 'none'} (${told?.state}: ${told?.message ?? 'no word of it'})`
      witness.violated('a pin is given', message, [mac, owner, pin])
      return
    }
    if (address !== undefined) {
      if (told?.allocatedIPAddress === address && told.state === 'Allocated') return
      const message = `the status of ${owner} says ${told?.state} ${told?.allocatedIPAddress ?? ''} for ${mac}, which has ${address}`
      witness.violated('the status comes true', message, [mac, address, owner])
      return
    }
    if (books.capacity === books.used) return
    const free = books.capacity - books.used
    const message = `${owner} asks for an address for ${mac} and has none (${told?.state}: ${told?.message ?? 'no word of it'}), although ${free} are free`
    witness.violated('who asks is given', message, [mac, owner])
  }

  function judgeRivals(rivals: readonly Wish[], pool: IPPool): void {
    const [first] = rivals
    const books = countBooks(pool)
    if (first === undefined || books === undefined) return
    const { mac } = first
    const names = [...new Set(rivals.map(({ owner }) => owner))]
    const address = held(pool, mac)
    const isPinned = rivals.some(({ pin }) => pin !== undefined)
    const given = names.filter((name) =>
      rivals.some((wish) => wish.owner === name && toldOf(wishes, wish)?.state === 'Allocated'),
    )
    if (given.length > 1) {
      const message = `${given.join(' and ')} are both told that ${mac} is theirs`
      witness.violated('one of twins is given', message, [mac, ...given])
      return
    }
    // Whose turn it is may pin what cannot be had.
    if (isPinned || given.length === 1) return
    if (address === undefined && books.capacity === books.used) return
    const message = `${names.join(' and ')} ask for ${mac}, which has ${address ?? 'no address'}, and none of them is told that it is theirs`
    witness.violated('one of twins is given', message, [mac, ...names])
  }

  /** Whatever stands in the way: whoever looks at the object finds the address there, or why there is none. */
  function judgeWithout(wish: Wish): void {
    const { mac, owner, network } = wish
    const told = toldOf(wishes, wish)
    const has = history.heldBy(network, mac).map(({ address }) => address)
    const { state, allocatedIPAddress: address = '', message: why } = told ?? {}
    if (state === 'Allocated' && has.includes(address)) return
    if (state === 'Pending' && why) return
    const message = `the status of ${owner} says ${state ?? 'nothing'} ${address} for ${mac}, which has ${has.join() || 'none'}, and not why`
    witness.violated('who goes without is told why', message, [mac, owner])
  }

  function isFree(pool: IPPool, address: string, mac: string): boolean {
    const holder = leasesOf(pool).get(address)
    const rest = pool.status?.ipv4?.resting?.[address]
    const rests =
      rest !== undefined && rest.macAddress !== mac && Date.parse(rest.until) - EPOCH > witness.now()
    return holder === undefined && !rests
  }
}

function held(pool: IPPool, mac: string): string | undefined {
  return [...leasesOf(pool)].find(([, holder]) => holder === mac)?.[0]
}
