import type { StoredChange } from './stored-change.ts'

export interface HistoryLimits {
  readonly changes: number
  readonly bytes: number
}

const DEFAULT_LIMITS: HistoryLimits = { changes: 10_000, bytes: 32 * 1024 * 1024 }

/** The latest changes of one kind, oldest first, bounded in number and in bytes. */
export class History {
  #changes: StoredChange[] = []
  #first = 0
  #bytes = 0
  #floor: number

  /** @param floor the revision from which on nothing is missing */
  constructor(
    floor: number,
    private readonly limits: HistoryLimits = DEFAULT_LIMITS,
  ) {
    this.#floor = floor
  }

  /** Changes after this revision are all here. */
  get floor(): number {
    return this.#floor
  }

  append(change: StoredChange): void {
    this.#changes.push(change)
    this.#bytes += change.bytes
    while (this.#changes.length - this.#first > this.limits.changes || this.#bytes > this.limits.bytes) {
      const oldest = this.#changes[this.#first]
      if (!oldest) break
      this.#floor = oldest.revision
      this.#bytes -= oldest.bytes
      this.#first += 1
    }
    if (this.#first > 1024 && this.#first * 2 > this.#changes.length) {
      this.#changes = this.#changes.slice(this.#first)
      this.#first = 0
    }
  }

  /** @returns undefined when some of them are gone already */
  after(revision: number): Iterable<StoredChange> | undefined {
    if (revision < this.#floor) return undefined
    return this.#from(this.#indexAfter(revision))
  }

  *#from(start: number): Generator<StoredChange> {
    for (let index = start; index < this.#changes.length; index++) {
      const change = this.#changes[index]
      if (change) yield change
    }
  }

  #indexAfter(revision: number): number {
    let [low, high] = [this.#first, this.#changes.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#changes[middle]?.revision ?? 0) <= revision) low = middle + 1
      else high = middle
    }
    return low
  }
}
