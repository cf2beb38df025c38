import type { Logger } from 'pino'
import { seconds } from '../../src/api/values/time.ts'
import type { Cancel, Clock } from '../../src/runtime/clock.ts'
import {
  DisconnectedError,
  InvalidMessageError,
  NoResponderError,
  RemoteError,
  RequestTimeoutError,
  TransportClosedError,
} from './errors.ts'
import { overflowWarning, runHandler } from './handling.ts'
import type { Leg } from './simulated-network.ts'
import { emptyStats, type TransportStats } from './stats.ts'
import { checkPattern, checkSubject } from './subjects.ts'
import type { IncomingMessage, MessageHeaders, RequestHandler, Subscription, Transport } from './transport.ts'
import { cleanHeaders, decodeBody, encodeBody, reasonOf } from './wire.ts'

export interface SimulatedTransport extends Transport {
  stats(): Readonly<TransportStats>
}

export interface SimulatedConnectionOptions {
  /** The name by which the network knows the process. */
  process: string
  clock: Clock
  log: Logger
  /** Messages that may wait for one subscription, and requests under way at one server; 10,000 if not given. */
  pendingLimit?: number
}

/** What a message is between its sender and its receivers. */
export interface Travelling {
  readonly subject: string
  readonly text: string
  readonly headers: MessageHeaders
  /** Where the answer goes; an event has none. */
  readonly inbox?: Inbox
}

interface Inbox {
  readonly process: string
  receive(reply: Reply): void
}

type Reply = { text: string; headers: MessageHeaders } | { error: string }

/** One subscription as the broker knows it. */
export interface BrokerEntry {
  readonly process: string
  readonly pattern: string
  readonly queue: string | undefined
  /** False when too many wait already: the message is dropped. */
  reserve(): boolean
  /** What was reserved for has come; undefined: it was lost after all. */
  arrive(message: Travelling | undefined): void
}

/** The broker as one connection sees it. */
export interface BrokerSide {
  isConnected(): boolean
  add(entry: BrokerEntry): void
  remove(entry: BrokerEntry): void
  /** False when nobody has subscribed. */
  route(message: Travelling, body: unknown): boolean
  /** What `arrived` does happens at the other end, once a copy. @param arrived is told what becomes of its text on the way */
  carry(leg: Omit<Leg, 'from'>, arrived: (spoil?: (text: string) => string) => void): void
  /** There and back to the broker itself. */
  noResponders(subject: string, body: unknown, told: () => void): void
}

export interface SimulatedConnection {
  readonly transport: SimulatedTransport
  /** The client has noticed that its connection is gone. */
  lost(): void
  /** The process is dead: nothing goes in or out any more, and nobody is told. */
  kill(): void
}

const LONGEST_GOODBYE = seconds(2)

/** One process's end of the simulated broker: what `nats.ts` is to a real one. */
export function openSimulatedConnection(
  { process, clock, log, pendingLimit = 10_000 }: SimulatedConnectionOptions,
  broker: BrokerSide,
): SimulatedConnection {
  const stats = emptyStats()
  const entries = new Set<BrokerEntry>()
  /** Requests under way. */
  const requests = new Set<{ cancel: Cancel; fail: (why: (subject: string) => Error) => void }>()
  let state: 'open' | 'closed' | 'dead' = 'open'
  let answering = 0
  let allAnswered: (() => void) | undefined

  function add(
    pattern: string,
    queue: string | undefined,
    deliver: (message: Travelling, holds: { more: () => void; less: () => void }) => void,
  ): Subscription {
    checkPattern(pattern)
    if (state === 'closed') throw new TransportClosedError()
    if (state === 'dead') return { unsubscribe() {} }
    const overflowed = overflowWarning(log, pattern, pendingLimit)
    let pending = 0
    const holds = { more: () => pending++, less: () => pending-- }
    const entry: BrokerEntry = {
      process,
      pattern,
      queue,
      reserve() {
        const hasRoom = pending < pendingLimit
        if (hasRoom) pending++
        else {
          stats.droppedOverflow++
          overflowed()
        }
        return hasRoom
      },
      arrive(message) {
        pending--
        if (message && entries.has(entry)) deliver(message, holds)
      },
    }
    entries.add(entry)
    broker.add(entry)
    return { unsubscribe: () => remove(entry) }
  }

  function remove(entry: BrokerEntry): void {
    if (entries.delete(entry)) broker.remove(entry)
  }

  async function answer(message: Travelling, handler: RequestHandler): Promise<void> {
    const { subject, inbox } = message
    if (!inbox) return
    const reply = await handlerOutcome(message, handler)
    if (state === 'dead') return
    if (!broker.isConnected()) {
      stats.droppedUnsent++
      return
    }
    const { body, ...wire } = reply
    broker.carry({ to: inbox.process, subject, kind: 'reply', body }, (spoil) =>
      inbox.receive(spoil === undefined || 'error' in wire ? wire : { ...wire, text: spoil(wire.text) }),
    )
  }

  async function handlerOutcome(message: Travelling, handler: RequestHandler) {
    const { subject } = message
    try {
      const { body, headers } = await handler(incoming(message))
      const text = encodeBody(subject, body)
      stats.served++
      return { text, headers: cleanHeaders(headers), body }
    } catch (error) {
      if (error instanceof InvalidMessageError) stats.droppedInvalid++
      else stats.handlerFailures++
      log.debug({ err: error, subject }, 'request refused by its handler')
      const reason = { error: reasonOf(error) }
      return { ...reason, body: reason }
    }
  }

  const transport: SimulatedTransport = {
    publish(subject, { body, headers }) {
      checkSubject(subject)
      const text = encodeBody(subject, body)
      if (state !== 'open' || !broker.isConnected()) {
        stats.droppedUnsent++
        return
      }
      stats.published++
      broker.route({ subject, text, headers: cleanHeaders(headers) }, body)
    },

    subscribe(pattern, handler) {
      return add(pattern, undefined, (message) => {
        runHandler(
          () => {
            const decoded = incoming(message)
            stats.delivered++
            return handler(decoded)
          },
          (error) => {
            if (error instanceof InvalidMessageError) {
              stats.droppedInvalid++
              log.debug({ err: error, pattern }, 'message dropped')
              return
            }
            stats.handlerFailures++
            log.error({ err: error, subject: message.subject, pattern }, 'message handler failed')
          },
        )
      })
    },

    serve(pattern, handler, options) {
      return add(pattern, options?.queue, (message, holds) => {
        if (!message.inbox || options?.accepts?.() === false) return
        holds.more()
        answering++
        void answer(message, handler).finally(() => {
          holds.less()
          answering--
          if (answering === 0) allAnswered?.()
        })
      })
    },

    request(subject, { body, headers }, { timeout }) {
      return new Promise((resolve, reject) => {
        checkSubject(subject)
        if (state === 'closed') throw new TransportClosedError()
        const text = encodeBody(subject, body)
        if (state === 'dead') return
        if (!broker.isConnected()) throw new DisconnectedError(subject)
        stats.requested++
        const fail = (why: (subject: string) => Error) => settle(() => reject(why(subject)))
        const request = {
          cancel: clock.after(timeout, () => fail((to) => new RequestTimeoutError(to, timeout))),
          fail,
        }
        requests.add(request)
        /** The first outcome counts: a doubled request has two answers. */
        const settle = (how: () => void) => {
          if (!requests.delete(request)) return
          request.cancel()
          how()
        }
        const receive = (reply: Reply) => {
          if ('error' in reply) return fail((from) => new RemoteError(from, reply.error))
          settle(() => {
            try {
              resolve(incoming({ subject, text: reply.text, headers: reply.headers }))
            } catch (error) {
              reject(error)
            }
          })
        }
        const travelling = { subject, text, headers: cleanHeaders(headers), inbox: { process, receive } }
        if (broker.route(travelling, body)) return
        broker.noResponders(subject, body, () => fail((to) => new NoResponderError(to)))
      })
    },

    connected: () => state === 'open' && broker.isConnected(),

    async close() {
      if (state !== 'open') return
      state = 'closed'
      failAll(() => new TransportClosedError())
      for (const entry of [...entries]) remove(entry)
      if (answering === 0) return
      await new Promise<void>((resolve) => {
        allAnswered = resolve
        clock.after(LONGEST_GOODBYE, resolve)
      })
    },

    stats: () => stats,
  }

  function failAll(why: (subject: string) => Error): void {
    for (const request of [...requests]) request.fail(why)
  }

  return {
    transport,
    lost: () => failAll((subject) => new DisconnectedError(subject)),
    kill() {
      state = 'dead'
      for (const entry of [...entries]) remove(entry)
      for (const request of requests) request.cancel()
      requests.clear()
    },
  }
}

function incoming({ subject, text, headers }: Travelling): IncomingMessage {
  return { subject, body: decodeBody(subject, text), headers: { ...headers } }
}
