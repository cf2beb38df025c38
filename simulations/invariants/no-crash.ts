import type { Invariant, Witness } from './invariant.ts'

/** Told by a full disk, and what is to be told then. */
const EXPECTED = new Set(['StateFileError'])

/** Law 9: nothing that comes in crashes an actor, or is thrown where nobody expects it. */
export function noCrash(witness: Witness): Invariant {
  return {
    logged({ process, message, error }) {
      if (error !== undefined && EXPECTED.has(error.type)) return
      const what = error === undefined ? '' : `: ${error.stack || error.message}`
      witness.violated('no crash', `${process}: ${message}${what}`, [])
    },
  }
}
