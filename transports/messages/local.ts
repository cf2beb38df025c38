import type { Logger } from 'pino'
import { seconds } from '../../src/api/values/time.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { nextTurn } from '../../src/runtime/next-turn.ts'
import { NoResponderError, RemoteError, RequestTimeoutError, TransportClosedError } from './errors.ts'
import { overflowWarning, runHandler } from './handling.ts'
import { QueueGroups } from './queue-groups.ts'
import { emptyStats, type TransportStats } from './stats.ts'
import { SubjectIndex } from './subject-index.ts'
import { checkPattern, checkSubject } from './subjects.ts'
import type { IncomingMessage, MessageHeaders, RequestHandler, Transport } from './transport.ts'
import { cleanHeaders, decodeBody, encodeBody, reasonOf } from './wire.ts'

export interface LocalTransportOptions {
  clock: Clock
  log: Logger
  /** Messages that may wait for one subscription, and requests under way at one server; 10,000 if not given. */
  pendingLimit?: number
}

export interface LocalTransport extends Transport {
  stats(): Readonly<TransportStats>
}

interface Entry {
  pattern: string
  queue: string | undefined
  /** Messages not yet handed over, and for servers requests not yet answered. */
  pending: number
  active: boolean
  overflowed: () => void
  /** `answer` is there when the message asks for a reply. */
  deliver: (subject: string, text: string, headers: MessageHeaders, answer: Answer | undefined) => void
}

type Answer = (reply: { text: string; headers: MessageHeaders } | { error: string }) => void

const LONGEST_GOODBYE = seconds(2)

/**
 * Messages within one process. Like NATS, a message goes to every subscription and to one member of each queue
 * group, later and in order; bodies travel as JSON text; a plain subscriber counts as a responder, which never
 * answers.
 */
export function createLocalTransport({
  clock,
  log,
  pendingLimit = 10_000,
}: LocalTransportOptions): LocalTransport {
  const stats = emptyStats()
  const entries = new Set<Entry>()
  const index = new SubjectIndex<Entry>()
  const groups = new QueueGroups<Entry>()
  const requests = new Set<(error: Error) => void>()
  let waiting: (() => void)[] = []
  let scheduled = false
  let closed = false
  let answering = 0
  let allAnswered: (() => void) | undefined

  /** What handlers send meanwhile waits for the next turn of the event loop, so that they cannot starve I/O. */
  function drain(): void {
    const turn = waiting
    waiting = []
    scheduled = false
    for (const deliver of turn) deliver()
  }

  /** @returns how many will get the message */
  function send(subject: string, text: string, headers: MessageHeaders, answer?: Answer): number {
    let receivers = 0
    for (const entry of groups.choose(index.match(subject))) {
      receivers++
      if (entry.pending >= pendingLimit) {
        stats.droppedOverflow++
        entry.overflowed()
        continue
      }
      entry.pending++
      waiting.push(() => {
        entry.pending--
        if (entry.active) entry.deliver(subject, text, headers, answer)
      })
      if (!scheduled) nextTurn(drain)
      scheduled = true
    }
    return receivers
  }

  function add(pattern: string, queue: string | undefined, deliver: Entry['deliver']): Entry {
    checkPattern(pattern)
    if (closed) throw new TransportClosedError()
    const overflowed = overflowWarning(log, pattern, pendingLimit)
    const entry: Entry = { pattern, queue, pending: 0, active: true, overflowed, deliver }
    entries.add(entry)
    index.add(pattern, entry)
    return entry
  }

  function remove(entry: Entry): void {
    entry.active = false
    entries.delete(entry)
    index.remove(entry.pattern, entry)
    groups.left(entry)
  }

  async function answerRequest(
    entry: Entry,
    handler: RequestHandler,
    message: IncomingMessage,
    answer: Answer,
  ) {
    entry.pending++
    answering++
    try {
      const reply = await handler(message)
      stats.served++
      answer({ text: encodeBody(message.subject, reply.body), headers: cleanHeaders(reply.headers) })
    } catch (error) {
      stats.handlerFailures++
      log.debug({ err: error, subject: message.subject }, 'request refused by its handler')
      answer({ error: reasonOf(error) })
    } finally {
      entry.pending--
      answering--
      if (answering === 0) allAnswered?.()
    }
  }

  return {
    publish(subject, message) {
      checkSubject(subject)
      const text = encodeBody(subject, message.body)
      if (closed) {
        stats.droppedUnsent++
        return
      }
      stats.published++
      send(subject, text, cleanHeaders(message.headers))
    },

    subscribe(pattern, handler) {
      const entry = add(pattern, undefined, (subject, text, headers) => {
        stats.delivered++
        runHandler(
          () => handler({ subject, body: decodeBody(subject, text), headers: { ...headers } }),
          (error) => {
            stats.handlerFailures++
            log.error({ err: error, subject, pattern }, 'message handler failed')
          },
        )
      })
      return { unsubscribe: () => remove(entry) }
    },

    serve(pattern, handler, options) {
      const entry = add(pattern, options?.queue, (subject, text, headers, answer) => {
        if (!answer || options?.accepts?.() === false) return
        const message = { subject, body: decodeBody(subject, text), headers: { ...headers } }
        void answerRequest(entry, handler, message, answer)
      })
      return { unsubscribe: () => remove(entry) }
    },

    request(subject, message, { timeout }) {
      return new Promise((resolve, reject) => {
        checkSubject(subject)
        if (closed) throw new TransportClosedError()
        const text = encodeBody(subject, message.body)
        stats.requested++
        const settle = () => {
          cancel()
          requests.delete(fail)
        }
        const fail = (error: Error) => {
          settle()
          reject(error)
        }
        const cancel = clock.after(timeout, () => fail(new RequestTimeoutError(subject, timeout)))
        requests.add(fail)
        const receivers = send(subject, text, cleanHeaders(message.headers), (reply) => {
          if ('error' in reply) return fail(new RemoteError(subject, reply.error))
          settle()
          resolve({ subject, body: decodeBody(subject, reply.text), headers: reply.headers })
        })
        if (receivers === 0) fail(new NoResponderError(subject))
      })
    },

    connected: () => !closed,

    async close() {
      if (closed) return
      closed = true
      for (const entry of [...entries]) remove(entry)
      if (answering > 0) {
        await new Promise<void>((resolve) => {
          allAnswered = resolve
          clock.after(LONGEST_GOODBYE, resolve)
        })
      }
      for (const fail of [...requests]) fail(new TransportClosedError())
    },

    stats: () => stats,
  }
}
