import { randomUUID } from 'node:crypto'

/** Chance, passed in, so that simulations can seed it. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** A fresh identifier for messages and objects, in the form of an RFC 9562 UUID. */
  uuid(): string
}

export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => randomUUID(),
}
