import type { Invariant, Witness } from './invariant.ts'

/** An agent, and of how many addresses it knows more than its pool does. */
export interface Rememberer {
  readonly name: string
  remembered(): number
}

/** Law 9: what is remembered for the sake of a lease is forgotten when no such lease can run any more. */
export function memoryIsBounded(witness: Witness, agents: readonly Rememberer[]): Invariant {
  return {
    quiet() {
      for (const { name, remembered } of agents) {
        const count = remembered()
        if (count === 0) continue
        const message = `${name} still remembers ${count} leases that have run out long ago`
        witness.violated('memory is bounded', message, [name])
      }
    },
  }
}
