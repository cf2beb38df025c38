import type { Duration } from '../../src/api/values/time.ts'

/** The end at which the broker itself answers: that nobody serves a subject. */
export const BROKER = 'broker'

/** What lies between processes and decides what becomes of their messages: all chance and all time of `simulated.ts`. */
export interface MessageNetwork {
  /**
   * Runs `action` in `process` after `delay`, and never when that process is dead by then.
   * MUST run what falls due at one moment in the order in which it was scheduled: that keeps messages in order.
   * MUST NOT run it before this call has returned.
   */
  schedule(process: string, delay: Duration, action: () => void): void
  /**
   * What becomes of one message from one process to another, or from or to BROKER: the delay of each copy that arrives;
   * none: it is lost. Asked once a message and receiving process, however many subscriptions that has.
   */
  fate(from: string, to: string, subject: string): readonly Duration[]
  /** What one copy of a message arrives as, which was sent with this text; undefined: as it was sent. */
  spoil?(from: string, to: string, subject: string): ((text: string) => string) | undefined
  /** Whether the process has its connection to the broker, and knows no other. Without one nothing is sent or arrives. */
  isConnected(process: string): boolean
  /** Told of every message, for a trace. */
  observe?(message: ObservedMessage): void
}

/** From one process to another, or from or to BROKER. */
export interface Leg {
  readonly from: string
  readonly to: string
  readonly subject: string
  readonly kind: 'event' | 'request' | 'reply'
  /** As its sender gave it: to be read at once, not to be kept. Of a reply that refuses: the reason in `error`. */
  readonly body: unknown
}

export interface ObservedMessage extends Leg {
  /** Of each copy that arrives; none: it is lost. */
  readonly delays: readonly Duration[]
}
