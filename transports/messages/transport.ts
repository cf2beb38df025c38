import type { Duration } from '../../src/api/values/time.ts'

/**
 * Messages between actors and processes. Hints and requests, never truth: any message may be lost,
 * doubled, late or out of order, and whoever relies on one must converge without it.
 *
 * Bodies are JSON values; typed, versioned views of them are made with `contract.ts`.
 * No handler can break the transport: what it throws is logged and, for a request, becomes a
 * `RemoteError` at the requester.
 */
export interface Transport {
  /** At most once; while disconnected the message is dropped and counted. */
  publish(subject: string, message: OutgoingMessage): void
  /** `pattern` may hold the NATS wildcards `*` (one token) and, last, `>` (one or more). */
  subscribe(pattern: string, handler: (message: IncomingMessage) => void): Subscription
  /**
   * One reply. A repeated attempt must carry the same `id`.
   * @throws NoResponderError at once when nobody serves the subject
   * @throws RequestTimeoutError
   * @throws RemoteError when the responder's handler failed
   * @throws TransportClosedError
   */
  request(subject: string, message: OutgoingMessage, options: RequestOptions): Promise<IncomingMessage>
  /** Answers requests on `pattern`. Two servers of one subject in one `queue` share the work. */
  serve(pattern: string, handler: RequestHandler, options?: ServeOptions): Subscription
  /** True while messages can be expected to arrive. */
  connected(): boolean
  /** Answers nothing new, lets answers under way go out, then closes. */
  close(): Promise<void>
}

export interface OutgoingMessage {
  body: unknown
  headers?: MessageHeaders
}

export interface IncomingMessage {
  subject: string
  body: unknown
  headers: MessageHeaders
}

export type RequestHandler = (message: IncomingMessage) => Promise<OutgoingMessage>

export interface MessageHeaders {
  /** The same for every attempt of one request. */
  id?: string
  /** What belongs to one piece of work, across processes. */
  correlationId?: string
  /** W3C Trace Context. */
  traceparent?: string
}

export interface RequestOptions {
  timeout: Duration
}

export interface ServeOptions {
  queue?: string
  /** Asked before each request: what is not accepted is left to others, as if it had not arrived. */
  accepts?: () => boolean
}

export interface Subscription {
  unsubscribe(): void
}
