import { type IPPool, ipPoolSchema } from '../../src/api/ippool.ts'
import type { KubeObject } from '../../src/api/object.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { formatObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import type { CommittedChange } from '../world/api-server.ts'

/** That an address was a MAC's, by the API's word: from a revision on, and until another one. */
export interface Tenure {
  readonly pool: string
  readonly uid: string
  readonly network: string
  readonly address: string
  readonly mac: string
  readonly from: Mark
  to: Mark | undefined
}

/** The write that began a tenure, or ended it. */
export interface Mark {
  readonly at: number
  readonly revision: number
  /** By the API's own counter, which nobody sets back. Infinite when the pool went: nobody hears a version of that. */
  readonly version: number
  readonly by: string
}

export interface PoolChange {
  readonly pool: IPPool
  readonly previous: IPPool | undefined
  readonly by: string
  readonly given: readonly Tenure[]
  readonly taken: readonly Tenure[]
}

/** That somebody wrote what the status says of an address by hand. */
interface Touch {
  readonly pool: string
  readonly at: number
  readonly address: string
  /** Whose it was before, and after. */
  readonly macs: readonly string[]
}

/** Every lease that any IPPool's status ever held, and until when. */
export class PoolHistory {
  readonly #now: () => number
  readonly #tenures: Tenure[] = []
  readonly #open = new Map<string, Tenure>()
  readonly #pools = new Map<string, IPPool>()
  readonly #handEdits = new Map<string, number>()
  readonly #specEdits = new Map<string, number>()
  readonly #touched: Touch[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  /** @returns what changed; undefined when it was no IPPool */
  committed({ plural, previous, next, by }: CommittedChange): PoolChange | undefined {
    if (plural !== 'ippools') return undefined
    const before = previous && ipPoolSchema.parse(previous)
    const pool = next && ipPoolSchema.parse(next)
    const subject = pool ?? before
    if (subject === undefined) return undefined
    const name = nameOf(subject)
    if (pool === undefined) this.#pools.delete(name)
    else this.#pools.set(name, pool)
    if (by === 'operator' && before !== undefined && pool !== undefined) {
      const edits =
        before.metadata.generation === pool.metadata.generation ? this.#handEdits : this.#specEdits
      edits.set(name, this.#now())
      if (edits === this.#handEdits) this.#touched.push(...touched(name, this.#now(), before, pool))
    }
    const version = pool === undefined ? Number.POSITIVE_INFINITY : versionOf(pool)
    const { given, taken } = this.#change(subject, before, pool, { by, version })
    return { pool: subject, previous: before, by, given, taken }
  }

  pools(): IterableIterator<IPPool> {
    return this.#pools.values()
  }

  /** The pools of a network, as `default/lan`. */
  on(network: string): IPPool[] {
    return [...this.#pools.values()].filter((pool) => networkOf(pool) === network)
  }

  /** Who held the address on the network, in order. */
  of(network: string, address: string): Tenure[] {
    return this.#tenures.filter((tenure) => tenure.network === network && tenure.address === address)
  }

  /** What the MAC holds on the network now. */
  heldBy(network: string, mac: string): Tenure[] {
    return [...this.#open.values()].filter((tenure) => tenure.network === network && tenure.mac === mac)
  }

  /** When somebody last edited the status by hand, or the spec; undefined: never. */
  editedAt(pool: string): { status: number | undefined; spec: number | undefined } {
    return { status: this.#handEdits.get(pool), spec: this.#specEdits.get(pool) }
  }

  /** When somebody last wrote the address, or another one of the MAC, in the status by hand; undefined: never. */
  touchedAt({ pool, address, mac }: Pick<Tenure, 'pool' | 'address' | 'mac'>): number | undefined {
    return this.#touched.findLast(
      (touch) => touch.pool === pool && (touch.address === address || touch.macs.includes(mac)),
    )?.at
  }

  #change(
    subject: IPPool,
    before: IPPool | undefined,
    pool: IPPool | undefined,
    { by, version }: Pick<Mark, 'by' | 'version'>,
  ) {
    const now: Mark = { at: this.#now(), revision: subject.status?.ipv4?.revision ?? 0, version, by }
    const [held, holds] = [leasesOf(before), leasesOf(pool)]
    const name = nameOf(subject)
    const uid = subject.metadata.uid ?? ''
    const taken: Tenure[] = []
    const given: Tenure[] = []
    for (const [address, mac] of held) {
      if (holds.get(address) === mac) continue
      const tenure = this.#open.get(`${uid} ${address}`)
      if (tenure === undefined) continue
      tenure.to = now
      this.#open.delete(`${uid} ${address}`)
      taken.push(tenure)
    }
    for (const [address, mac] of holds) {
      if (held.get(address) === mac) continue
      const network = networkOf(subject)
      const tenure: Tenure = { pool: name, uid, network, address, mac, from: now, to: undefined }
      this.#tenures.push(tenure)
      this.#open.set(`${uid} ${address}`, tenure)
      given.push(tenure)
    }
    return { given, taken }
  }
}

export function versionOf({ metadata }: Pick<KubeObject, 'metadata'>): number {
  return Number(metadata.resourceVersion)
}

export function nameOf(pool: IPPool): string {
  return formatObjectKey({ namespace: pool.metadata.namespace ?? '', name: pool.metadata.name })
}

export function networkOf(pool: IPPool): string {
  return formatObjectKey(parseObjectKey(pool.spec.networkName, pool.metadata.namespace))
}

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i

/** Address to MAC, without marks. */
export function leasesOf(pool: IPPool | undefined): Map<string, string> {
  const entries = Object.entries(pool?.status?.ipv4?.allocated ?? {})
  return new Map(
    entries.filter(([, mac]) => MAC.test(mac)).map(([address, mac]) => [address, parseMacAddress(mac)]),
  )
}

function touched(pool: string, at: number, before: IPPool, after: IPPool): Touch[] {
  const states = [before, after].map(({ status }) => ({
    allocated: status?.ipv4?.allocated ?? {},
    resting: status?.ipv4?.resting ?? {},
  }))
  const says = (address: string) =>
    states.map(({ allocated, resting }) => [allocated[address], resting[address]?.macAddress])
  const addresses = states.flatMap(({ allocated, resting }) => [
    ...Object.keys(allocated),
    ...Object.keys(resting),
  ])
  return [...new Set(addresses)].flatMap((address): Touch[] => {
    const [was = [], is = []] = says(address)
    if (was.join() === is.join()) return []
    const macs = [...was, ...is].flatMap((mac = '') => (MAC.test(mac) ? [parseMacAddress(mac)] : []))
    return [{ pool, at, address, macs }]
  })
}

export function describeTenure({ address, mac, from, to }: Tenure): string {
  const end =
    to === undefined ? 'and holds it still' : `until ${time(to.at)} (revision ${to.revision}, by ${to.by})`
  return `${mac} holds ${address} in the pool since ${time(from.at)} (revision ${from.revision}, by ${from.by}) ${end}`
}

export function time(at: number): string {
  return `${(at / 1000).toFixed(3)} s`
}
