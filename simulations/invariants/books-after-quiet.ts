import type { IPPool } from '../../src/api/ippool.ts'
import { EPOCH } from '../world/machine.ts'
import { type Books, countBooks } from './books.ts'
import type { Invariant, Witness } from './invariant.ts'
import { leasesOf, nameOf, type PoolHistory } from './pool-history.ts'

/** Rests end with a tick, and are written with the next status. */
const TICK = 5_000

/**
 * Law 8 for what is read, whoever wrote it: after quiet the status is about the latest spec, its figures and marks are
 * right, what makes no sense is gone, and nothing rests that need not.
 */
export function booksAfterQuiet(witness: Witness, history: PoolHistory): Invariant {
  return {
    quiet() {
      for (const pool of history.pools()) {
        const { observedGeneration, ipv4 } = pool.status ?? {}
        const tell = (law: string, message: string) =>
          witness.violated(law, `${nameOf(pool)} ${message}`, [nameOf(pool)])
        const { generation } = pool.metadata
        if (observedGeneration !== generation) {
          tell(
            'the status is about the spec',
            `has generation ${generation}, its status says ${observedGeneration}`,
          )
        }
        for (const [address, { until }] of Object.entries(ipv4?.resting ?? {})) {
          if (Date.parse(until) - EPOCH + TICK > witness.now()) continue
          tell('rests end', `still says that ${address} rests until ${until}`)
        }
        const books = countBooks(pool)
        if (books === undefined) continue
        const { capacity, used } = books
        if (ipv4?.used !== used || ipv4.available !== capacity - used) {
          const said = `says used ${ipv4?.used} and available ${ipv4?.available}`
          tell('used + available = capacity', `${said}; of ${capacity} addresses ${used} are used`)
        }
        const wrong = wrongEntry(pool, books)
        if (wrong !== undefined) tell('marks are right', wrong)
      }
    },
  }
}

/** What `allocated` says besides leases must be the marks, and all of them. */
function wrongEntry(pool: IPPool, { marks }: Books): string | undefined {
  const { allocated = {} } = pool.status?.ipv4 ?? {}
  const leases = leasesOf(pool)
  for (const [address, text] of Object.entries(allocated)) {
    if (leases.has(address) || marks.get(address) === text) continue
    return `says ${text} of ${address}, which should be ${marks.get(address) ?? 'absent'}`
  }
  for (const [address, mark] of marks) {
    if (allocated[address] !== mark) return `does not mark ${address} as ${mark}`
  }
  return undefined
}
