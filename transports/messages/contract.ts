import type { Logger } from 'pino'
import * as z from 'zod'
import { type Duration, milliseconds, seconds } from '../../src/api/values/time.ts'
import { type Clock, sleep } from '../../src/runtime/clock.ts'
import { DisconnectedError, InvalidMessageError, NoResponderError, RequestTimeoutError } from './errors.ts'
import type { IncomingMessage, MessageHeaders, Subscription, Transport } from './transport.ts'

/**
 * A request and its reply. The version goes up when an older reader would misunderstand; a field that older
 * readers may ignore needs no new version, because unknown fields are tolerated.
 * A newer version SHOULD still read what older ones wrote. Schemas may be codecs (`z.codec`): in memory the
 * decoded form, on the wire the encoded one.
 */
export interface Command<Request, Reply> {
  readonly name: string
  readonly version: number
  readonly request: z.ZodType<Request>
  readonly reply: z.ZodType<Reply>
}

/** Something that happened. For versions see `Command`. */
export interface EventKind<Body> {
  readonly name: string
  readonly version: number
  readonly body: z.ZodType<Body>
}

export function defineCommand<Request, Reply>(command: Command<Request, Reply>): Command<Request, Reply> {
  return command
}

export function defineEvent<Body>(event: EventKind<Body>): EventKind<Body> {
  return event
}

/** What `transports/messages` tells a handler besides the body. */
export interface MessageContext {
  subject: string
  headers: MessageHeaders
}

export interface RequestCommandOptions {
  clock: Clock
  /** The same for every attempt: it makes the repeated request the same request. */
  id: string
  /** Of one attempt. */
  timeout: Duration
  /** How often in all; 3 if not given. */
  attempts?: number
  correlationId?: string
  traceparent?: string
}

const FIRST_BACKOFF = milliseconds(50)
const LONGEST_BACKOFF = seconds(1)

/**
 * Ask, and ask again with the same id when no answer came.
 * @throws NoResponderError, RequestTimeoutError, DisconnectedError of the last attempt
 * @throws RemoteError when the other side refused: it will refuse again
 * @throws InvalidMessageError when the reply is not what was agreed
 * @throws MessageTooLargeError
 * @throws TransportClosedError
 */
export async function requestCommand<Request, Reply>(
  transport: Transport,
  command: Command<Request, Reply>,
  subject: string,
  body: Request,
  options: RequestCommandOptions,
): Promise<Reply> {
  const message = { body: wrap(command, command.request, subject, body), headers: headersOf(options) }
  const attempts = options.attempts ?? 3
  for (let attempt = 1; ; attempt++) {
    try {
      const reply = await transport.request(subject, message, { timeout: options.timeout })
      return unwrap(command, command.reply, reply)
    } catch (error) {
      if (attempt >= attempts || !mayPass(error)) throw error
      await sleep(
        options.clock,
        milliseconds(Math.min(FIRST_BACKOFF * 2 ** Math.min(attempt - 1, 10), LONGEST_BACKOFF)),
      )
    }
  }
}

export interface ReceiveOptions {
  log: Logger
  /** Told of each message that was refused, for metrics. */
  onRefused?: (name: string, reason: string) => void
}

export interface ServeCommandOptions extends ReceiveOptions {
  queue?: string
  /**
   * Remember the answers to so many requests, so that a repeated request gets the answer of the first,
   * also while the first is under way. Failures are not remembered. 0 if not given.
   */
  rememberAnswers?: number
}

/**
 * Answer a command. What is not what was agreed is answered with the reason why, and never reaches `handler`.
 * The handler MUST be idempotent: `rememberAnswers` spares work, it does not survive a restart.
 */
export function serveCommand<Request, Reply>(
  transport: Transport,
  command: Command<Request, Reply>,
  pattern: string,
  handler: (body: Request, context: MessageContext) => Reply | Promise<Reply>,
  options: ServeCommandOptions,
): Subscription {
  const refused = refusals(command.name, options)
  const remembered = new Map<string, Promise<Reply>>()

  async function answer(message: IncomingMessage): Promise<Reply> {
    let body: Request
    try {
      body = unwrap(command, command.request, message)
    } catch (error) {
      refused(message, error)
      throw error
    }
    return handler(body, { subject: message.subject, headers: message.headers })
  }

  function answerOnce(message: IncomingMessage): Promise<Reply> {
    const limit = options.rememberAnswers ?? 0
    if (limit === 0 || message.headers.id === undefined) return answer(message)
    const key = `${message.subject} ${message.headers.id}`
    const known = remembered.get(key)
    if (known) return known
    const fresh = answer(message)
    remembered.set(key, fresh)
    fresh.catch(() => remembered.delete(key))
    for (const oldest of remembered.keys()) {
      if (remembered.size <= limit) break
      remembered.delete(oldest)
    }
    return fresh
  }

  return transport.serve(
    pattern,
    async (message) => {
      const reply = await answerOnce(message)
      return { body: wrap(command, command.reply, message.subject, reply), headers: message.headers }
    },
    options.queue === undefined ? {} : { queue: options.queue },
  )
}

/**
 * @throws InvalidMessageError when `body` is not what the event's schema says
 * @throws MessageTooLargeError
 */
export function publishEvent<Body>(
  transport: Transport,
  event: EventKind<Body>,
  subject: string,
  body: Body,
  headers: MessageHeaders = {},
): void {
  transport.publish(subject, { body: wrap(event, event.body, subject, body), headers })
}

/** Other kinds of events on the same pattern are passed over; what is not what was agreed is dropped. */
export function subscribeEvent<Body>(
  transport: Transport,
  event: EventKind<Body>,
  pattern: string,
  handler: (body: Body, context: MessageContext) => void,
  options: ReceiveOptions,
): Subscription {
  const refused = refusals(event.name, options)
  return transport.subscribe(pattern, (message) => {
    let body: Body
    try {
      if (isOfOtherKind(event.name, message.body)) return
      body = unwrap(event, event.body, message)
    } catch (error) {
      refused(message, error)
      return
    }
    handler(body, { subject: message.subject, headers: message.headers })
  })
}

const envelopeSchema = z.object({ v: z.int().min(1), type: z.string(), body: z.unknown() })

interface Kind {
  readonly name: string
  readonly version: number
}

function wrap<Body>(kind: Kind, schema: z.ZodType<Body>, subject: string, body: Body): unknown {
  const encoded = z.safeEncode(schema, body)
  if (!encoded.success) throw new InvalidMessageError(subject, `${kind.name}: ${explain(encoded.error)}`)
  return { v: kind.version, type: kind.name, body: encoded.data }
}

function unwrap<Body>(kind: Kind, schema: z.ZodType<Body>, message: IncomingMessage): Body {
  const refuse = (reason: string) => new InvalidMessageError(message.subject, reason)
  const envelope = envelopeSchema.safeParse(message.body)
  if (!envelope.success) throw refuse(`not a message of this project: ${explain(envelope.error)}`)
  const { v, type, body } = envelope.data
  if (type !== kind.name) throw refuse(`expected ${kind.name}, got ${type.slice(0, 100)}`)
  if (v > kind.version) {
    throw refuse(
      `${type} has version ${v}, this process understands ${kind.version} at most: upgrade it to the sender's release`,
    )
  }
  const decoded = schema.safeParse(body)
  if (!decoded.success) throw refuse(`${type}: ${explain(decoded.error)}`)
  return decoded.data
}

function isOfOtherKind(name: string, body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'type' in body && body.type !== name
}

function explain(error: z.ZodError): string {
  const shown = error.issues.slice(0, 3).map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
  return shown.join('; ').slice(0, 500)
}

function mayPass(error: unknown): boolean {
  return (
    error instanceof NoResponderError ||
    error instanceof RequestTimeoutError ||
    error instanceof DisconnectedError
  )
}

function headersOf(options: RequestCommandOptions): MessageHeaders {
  const headers: MessageHeaders = { id: options.id }
  if (options.correlationId !== undefined) headers.correlationId = options.correlationId
  if (options.traceparent !== undefined) headers.traceparent = options.traceparent
  return headers
}

/** One warning a subscription, however many bad messages somebody sends; all of them are counted. */
function refusals(name: string, options: ReceiveOptions): (message: IncomingMessage, error: unknown) => void {
  let warned = false
  return (message, error) => {
    const reason = error instanceof InvalidMessageError ? error.reason : String(error)
    options.onRefused?.(name, reason)
    const fields = { subject: message.subject, type: name, reason }
    if (warned) options.log.debug(fields, 'message refused')
    else options.log.warn(fields, 'message refused; more of these are logged at level debug')
    warned = true
  }
}
