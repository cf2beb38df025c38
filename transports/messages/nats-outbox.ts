import type { NatsConnection } from 'nats'

/** What the broker may be behind before more is dropped. */
const LIMIT = 64 * 1024 * 1024
/** How often it is asked whether it has caught up. */
const STEP = 1024 * 1024

export interface Outbox {
  /** False when too much is on its way already. */
  take(characters: number, connection: NatsConnection): boolean
}

/**
 * The client writes to its socket whatever it is given, and a broker that stalls without closing would fill our memory.
 * So a flush, which the broker confirms, follows every so many bytes, and what is not confirmed is bounded.
 */
export function createOutbox(): Outbox {
  let unconfirmed = 0
  let sinceFlush = 0
  return {
    take(characters, connection) {
      // JSON is mostly ASCII, and the rest of a message is small.
      const bytes = characters + 256
      if (unconfirmed + bytes > LIMIT) return false
      unconfirmed += bytes
      sinceFlush += bytes
      if (sinceFlush >= STEP) {
        const part = sinceFlush
        sinceFlush = 0
        // A lost connection rejects: then nothing of it is in memory either.
        const confirmed = () => {
          unconfirmed -= part
        }
        connection.flush().then(confirmed, confirmed)
      }
      return true
    },
  }
}
