import type { Msg, MsgHdrs, Subscription as NatsSubscription } from 'nats'
import { seconds } from '../../src/api/values/time.ts'
import { type Random, systemRandom } from '../../src/runtime/random.ts'
import {
  DisconnectedError,
  InvalidMessageError,
  MessageTooLargeError,
  TransportClosedError,
} from './errors.ts'
import { overflowWarning, runHandler, tooLargeWarning } from './handling.ts'
import { keepConnected, type NatsConnectionOptions, type Violation } from './nats-connection.ts'
import { loginFrom, trustFrom } from './nats-options.ts'
import { createOutbox } from './nats-outbox.ts'
import { encodeHeaders, errorHeaders, incoming, readReply, translate } from './nats-wire.ts'
import { emptyStats, type TransportStats } from './stats.ts'
import { checkPattern, checkSubject } from './subjects.ts'
import type { IncomingMessage, RequestHandler, Subscription, Transport } from './transport.ts'
import { encodeBody, reasonOf } from './wire.ts'

export interface NatsTransportOptions extends Omit<NatsConnectionOptions, 'random'> {
  random?: Random
  /** Requests under way at one server; 1,000 if not given. */
  pendingLimit?: number
  /**
   * Where NATS_USER and NATS_PASSWORD, which win over a URL's, and NATS_CA_FILE are looked up; the process's own if not
   * given.
   */
  environment?: NodeJS.ProcessEnv
}

export interface NatsTransport extends Transport {
  /** Resolves once what was sent and subscribed so far is known to the broker. */
  flush(): Promise<void>
  /** Resolves at the first connection. */
  whenConnected(): Promise<void>
  stats(): Readonly<TransportStats>
  /** What of its work the broker does not permit this process now, for people. */
  problems(): string[]
}

interface Entry {
  pattern: string
  queue: string | undefined
  receive: (message: Msg) => void
  live: NatsSubscription | undefined
}

const LONGEST_GOODBYE = seconds(2)
/** The client forgets a subscription that was not permitted: permissions may have changed since. */
const RETRY_REFUSED = seconds(30)
/** More are no more of a reason. */
const MOST_VIOLATIONS = 20

/**
 * Messages over NATS. Works before the broker does, and while it is away: publishes are dropped and counted, requests
 * fail with DisconnectedError, subscriptions are made when it comes.
 * A subscriber on `x.>` counts as a responder of every request under `x`: taps subscribe to events only.
 *
 * What each component needs of the broker (deploy/base/nats/authorization.conf grants just this):
 *
 * | user       | publishes                                                     | subscribes                                |
 * |------------|---------------------------------------------------------------|-------------------------------------------|
 * | controller | mdhcp.cmd.pool.>, mdhcp.event.pool.>, mdhcp.event.vm.>,       | mdhcp.cmd.pool.>, _INBOX_controller.>     |
 * |            | _INBOX_agent.> and _INBOX_controller.> (answers)              |                                           |
 * | agent      | mdhcp.cmd.pool.*.*.snapshot, mdhcp.cmd.pool.*.*.agent-report, | mdhcp.event.pool.*.*.delta,               |
 * |            | mdhcp.event.dhcp.>                                            | _INBOX_agent.>                            |
 * | tap        | nothing                                                       | mdhcp.event.>                             |
 *
 * @throws InvalidServerUrlError, InvalidNatsLoginError, NatsCaFileError
 */
export function connectNatsTransport(options: NatsTransportOptions): NatsTransport {
  const { clock, log, pendingLimit = 1_000 } = options
  const stats = emptyStats()
  let outbox = createOutbox()
  const entries = new Set<Entry>()
  const requests = new Set<(why: (subject: string) => Error) => void>()
  const violations = new Map<string, Violation>()
  const environment = options.environment ?? process.env
  const login = options.credentials === undefined ? loginFrom(environment) : undefined
  const tls = options.tls ?? trustFrom(environment)
  const connectionWaiters = new Set<{ resolve: () => void; reject: (error: Error) => void }>()
  let closing = false
  let answering = 0
  let allAnswered: (() => void) | undefined

  const connection = keepConnected(
    { ...login, ...options, ...(tls && { tls }), random: options.random ?? systemRandom },
    {
      fresh() {
        outbox = createOutbox()
        violations.clear()
        for (const entry of entries) listen(entry)
        for (const waiter of connectionWaiters) waiter.resolve()
        connectionWaiters.clear()
      },
      resumed() {
        // Permissions are looked up at each connection.
        violations.clear()
        for (const entry of entries) listen(entry)
      },
      lost() {
        for (const fail of [...requests]) fail((subject) => new DisconnectedError(subject))
      },
      refused(violation) {
        if (violations.size < MOST_VIOLATIONS) violations.set(keyOf(violation), violation)
      },
    },
  )

  function listen(entry: Entry): void {
    const current = connection.current()
    const listening = entry.live !== undefined && !entry.live.isClosed()
    if (!current || listening || !entries.has(entry)) return
    violations.delete(keyOf({ operation: 'subscription', subject: entry.pattern }))
    entry.live = current.subscribe(entry.pattern, {
      ...(entry.queue === undefined ? {} : { queue: entry.queue }),
      callback: (error, message) => {
        if (error) clock.after(RETRY_REFUSED, () => listen(entry))
        // Nothing may be thrown here: it would end the client's reader.
        else runHandler(() => entry.receive(message), failed(entry.pattern))
      },
    })
  }

  function failed(pattern: string): (error: unknown) => void {
    return (error) => {
      if (error instanceof InvalidMessageError) {
        stats.droppedInvalid++
        log.debug({ err: error, pattern }, 'message dropped')
        return
      }
      stats.handlerFailures++
      log.error({ err: error, pattern }, 'message handler failed')
    }
  }

  function add(pattern: string, queue: string | undefined, receive: Entry['receive']): Subscription {
    checkPattern(pattern)
    if (closing) throw new TransportClosedError()
    const entry: Entry = { pattern, queue, receive, live: undefined }
    entries.add(entry)
    listen(entry)
    return {
      unsubscribe() {
        entries.delete(entry)
        entry.live?.unsubscribe()
        violations.delete(keyOf({ operation: 'subscription', subject: pattern }))
      },
    }
  }

  /** @param about the subject that people know it by, where that is another */
  function send(to: string, text: string, headers: MsgHdrs | undefined, about = to): boolean {
    const current = connection.current()
    if (!current || !outbox.take(text.length, current)) {
      stats.droppedUnsent++
      return false
    }
    try {
      current.publish(to, text, headers ? { headers } : {})
      return true
    } catch (error) {
      throw translate(error, { subject: about, text, limit: current.info?.max_payload })
    }
  }

  async function answerRequest(
    message: Msg,
    handler: RequestHandler,
    tooLarge: (error: MessageTooLargeError) => void,
  ): Promise<void> {
    const { subject, reply } = message
    if (!reply) return
    try {
      const answer = await handler(incoming(message))
      send(reply, encodeBody(subject, answer.body), encodeHeaders(answer.headers), subject)
      stats.served++
    } catch (error) {
      if (error instanceof InvalidMessageError) stats.droppedInvalid++
      else stats.handlerFailures++
      if (error instanceof MessageTooLargeError) tooLarge(error)
      log.debug({ err: error, subject }, 'request refused by its handler')
      send(reply, encodeBody(subject, { error: reasonOf(error) }), errorHeaders(), subject)
    }
  }

  async function goodbye(): Promise<void> {
    for (const entry of entries) entry.live?.unsubscribe()
    entries.clear()
    if (answering > 0) {
      await new Promise<void>((resolve) => {
        allAnswered = resolve
        clock.after(LONGEST_GOODBYE, resolve)
      })
    }
    const current = connection.current()
    if (!current) return
    await new Promise<void>((resolve) => {
      clock.after(LONGEST_GOODBYE, resolve)
      current.flush().then(resolve, resolve)
    })
  }

  return {
    publish(subject, message) {
      checkSubject(subject)
      const text = encodeBody(subject, message.body)
      if (send(subject, text, encodeHeaders(message.headers))) stats.published++
    },

    subscribe(pattern, handler) {
      return add(pattern, undefined, (message) => {
        const decoded = incoming(message)
        stats.delivered++
        return handler(decoded)
      })
    },

    serve(pattern, handler, serveOptions) {
      const overflowed = overflowWarning(log, pattern, pendingLimit)
      const tooLarge = tooLargeWarning(log, pattern)
      let pending = 0
      return add(pattern, serveOptions?.queue, (message) => {
        if (serveOptions?.accepts?.() === false) return
        if (pending >= pendingLimit) {
          stats.droppedOverflow++
          overflowed()
          return
        }
        pending++
        answering++
        answerRequest(message, handler, tooLarge)
          .catch(failed(pattern))
          .finally(() => {
            pending--
            answering--
            if (answering === 0) allAnswered?.()
          })
      })
    },

    async request(subject, message, { timeout }) {
      checkSubject(subject)
      if (closing) throw new TransportClosedError()
      const text = encodeBody(subject, message.body)
      const current = connection.current()
      if (!current || !outbox.take(text.length, current)) throw new DisconnectedError(subject)
      stats.requested++
      const headers = encodeHeaders(message.headers)
      return new Promise<IncomingMessage>((resolve, reject) => {
        const fail = (why: (subject: string) => Error) => {
          requests.delete(fail)
          reject(why(subject))
        }
        requests.add(fail)
        current
          .request(subject, text, { timeout: Math.max(1, timeout), ...(headers ? { headers } : {}) })
          .then((reply) => {
            const read = readReply(subject, reply)
            requests.delete(fail)
            resolve(read)
          })
          .catch((error: unknown) =>
            fail(() => translate(error, { subject, text, timeout, limit: current.info?.max_payload })),
          )
      })
    },

    connected: () => !closing && connection.current() !== undefined,

    async close() {
      if (closing) return
      closing = true
      for (const fail of [...requests]) fail(() => new TransportClosedError())
      for (const waiter of connectionWaiters) waiter.reject(new TransportClosedError())
      await goodbye()
      await connection.close()
    },

    async flush() {
      const current = connection.current()
      if (!current) throw new DisconnectedError('flush')
      await current.flush()
    },

    whenConnected() {
      if (closing) return Promise.reject(new TransportClosedError())
      if (connection.current()) return Promise.resolve()
      return new Promise((resolve, reject) => connectionWaiters.add({ resolve, reject }))
    },

    stats: () => stats,

    problems: () =>
      [...violations.values()].map(
        ({ operation, subject }) =>
          `messages: the broker does not permit this process the ${operation === 'publish' ? 'publication' : 'subscription'} of ${subject}`,
      ),
  }
}

function keyOf({ operation, subject }: Violation): string {
  return `${operation} ${subject}`
}
