import { decodeState } from '../../actors/agent/state-content.ts'
import type { ObjectKey } from '../../src/api/values/object-key.ts'

/** What of an agent's state outlives its process: texts of the file, the first that was ever written and the last. */
export class StateDisk {
  first: string | undefined
  file: string | undefined
  isFull = false
  /** Nothing can be removed. */
  isKept = false

  constructor(readonly pool: ObjectKey) {}

  /** The snapshot that an agent finds in the file; undefined when it finds none. */
  get current(): string | undefined {
    if (this.file === undefined) return undefined
    try {
      return JSON.stringify(decodeState(this.file, this.pool))
    } catch {
      return undefined
    }
  }
}
