import { type IPPool, ipPoolSchema } from '../../src/api/ippool.ts'
import type { KubeObject } from '../../src/api/object.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import { leasesOf, type Tenure, versionOf } from './pool-history.ts'

/** How an IPPool stands, as a process heard from the API. */
export class Heard {
  readonly uid: string
  /** Counts up, whatever people write into the status by hand. */
  readonly version: number
  readonly #object: KubeObject
  #pool: IPPool | undefined
  #leases: ReadonlyMap<string, string> | undefined

  constructor(
    object: KubeObject,
    /** Since when, in true time. */
    readonly at: number,
    /** Of the process: what was heard before it was killed is forgotten. */
    readonly life: unknown,
  ) {
    this.uid = object.metadata.uid ?? ''
    this.version = versionOf(object)
    this.#object = object
  }

  get pool(): IPPool {
    this.#pool ??= ipPoolSchema.parse(this.#object)
    return this.#pool
  }

  get revision(): number {
    return this.pool.status?.ipv4?.revision ?? 0
  }

  get leases(): ReadonlyMap<string, string> {
    this.#leases ??= leasesOf(this.pool)
    return this.#leases
  }
}

/** From hearing to knowing it takes a turn or two of an actor. */
const REACTION = 100

/** Who heard what of the pools from the API, by the latest version that came through. */
export class Hearsay {
  readonly #now: () => number
  readonly #lifeOf: (process: string) => unknown
  readonly #heard = new Map<string, Heard>()

  /** @param lifeOf the same until the process is killed */
  constructor(now: () => number, lifeOf: (process: string) => unknown) {
    this.#now = now
    this.#lifeOf = lifeOf
  }

  readonly heardOfPool = (process: string, object: KubeObject): void => {
    const { namespace = '', name } = object.metadata
    const key = `${process} ${formatObjectKey({ namespace, name })}`
    const heard = new Heard(object, this.#now(), this.#lifeOf(process))
    const before = this.#heard.get(key)
    if (before !== undefined && before.uid === heard.uid && before.version >= heard.version) return
    this.#heard.set(key, heard)
  }

  /** What it had time to think about; undefined: nothing, or something newer since. */
  settled(process: string, pool: string): Heard | undefined {
    const heard = this.#heard.get(`${process} ${pool}`)
    return heard === undefined || this.#now() - heard.at < REACTION ? undefined : heard
  }

  /** The same, heard since the process was started last. */
  known(process: string, pool: string): Heard | undefined {
    const heard = this.settled(process, pool)
    return heard?.life === this.#lifeOf(process) ? heard : undefined
  }

  /** It heard from the API that this is over. */
  knowsEnd(process: string, { pool, uid, from, to }: Tenure): boolean {
    const heard = to && this.known(process, pool)
    if (to === undefined || heard === undefined) return false
    // Of another pool of that name, which came later or was there before.
    if (heard.uid !== uid) return heard.version > from.version
    // What people count down by hand is doubted until it is read again.
    return heard.version >= to.version && from.revision <= heard.revision
  }
}
