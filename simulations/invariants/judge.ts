import type { Violation } from '../runner/result.ts'
import { Hearsay } from './hearsay.ts'
import type { Invariant, Witness } from './invariant.ts'
import { PoolHistory } from './pool-history.ts'
import { Wishes } from './wishes.ts'

export interface JudgeParts {
  now(): number
  clients: Witness['clients']
  /** The same until the process is killed. */
  lifeOf(process: string): unknown
  /** Of each violation, as it is found. */
  found(violation: Violation): void
}

/** All invariants as one, and what they found. */
export class Judge {
  readonly violations: Violation[] = []
  readonly history: PoolHistory
  readonly wishes: Wishes
  readonly hearsay: Hearsay
  readonly witness: Witness
  readonly #invariants: Invariant[] = []

  constructor(parts: JudgeParts) {
    this.history = new PoolHistory(parts.now)
    this.wishes = new Wishes(parts.now)
    this.hearsay = new Hearsay(parts.now, parts.lifeOf)
    this.witness = {
      now: parts.now,
      clients: parts.clients,
      violated: (law, message, about) => {
        const violation = { law, at: parts.now(), message, about }
        this.violations.push(violation)
        parts.found(violation)
      },
    }
  }

  add(...invariants: readonly Invariant[]): void {
    this.#invariants.push(...invariants)
  }

  readonly committed: NonNullable<Invariant['committed']> = (change) => {
    this.wishes.committed(change)
    const poolChange = this.history.committed(change)
    for (const invariant of this.#invariants) {
      invariant.committed?.(change)
      if (poolChange !== undefined) invariant.poolChanged?.(poolChange)
    }
  }

  readonly client: NonNullable<Invariant['client']> = (client, event) => {
    for (const invariant of this.#invariants) invariant.client?.(client, event)
  }

  readonly replied: NonNullable<Invariant['replied']> = (reply) => {
    for (const invariant of this.#invariants) invariant.replied?.(reply)
  }

  readonly messaged: NonNullable<Invariant['messaged']> = (message) => {
    for (const invariant of this.#invariants) invariant.messaged?.(message)
  }

  readonly logged: NonNullable<Invariant['logged']> = (error) => {
    for (const invariant of this.#invariants) invariant.logged?.(error)
  }

  readonly heardOfPool: NonNullable<Invariant['heardOfPool']> = (process, pool) => {
    this.hearsay.heardOfPool(process, pool)
    for (const invariant of this.#invariants) invariant.heardOfPool?.(process, pool)
  }

  quiet(): void {
    for (const invariant of this.#invariants) invariant.quiet?.()
  }
}
