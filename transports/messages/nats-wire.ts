import { ErrorCode, headers as emptyHeaders, type Msg, type MsgHdrs, NatsError } from 'nats'
import * as z from 'zod'
import type { Duration } from '../../src/api/values/time.ts'
import {
  DisconnectedError,
  InvalidMessageError,
  MessageTooLargeError,
  NoResponderError,
  NotPermittedError,
  RemoteError,
  RequestTimeoutError,
} from './errors.ts'
import type { IncomingMessage, MessageHeaders } from './transport.ts'
import { cleanHeaders, decodeBody, HEADER_NAMES, MAXIMUM_BODY_BYTES } from './wire.ts'

/** Tells an answer that says why not from one that holds a reply. */
const ERROR_HEADER = 'mdhcp-error'

export function errorHeaders(): MsgHdrs {
  const headers = emptyHeaders()
  headers.set(ERROR_HEADER, '1')
  return headers
}

const errorReplySchema = z.object({ error: z.string() })

/** @throws RemoteError, InvalidMessageError */
export function readReply(subject: string, message: Msg): IncomingMessage {
  const reply = { ...incoming(message), subject }
  if (!message.headers?.has(ERROR_HEADER)) return reply
  const refusal = errorReplySchema.safeParse(reply.body)
  throw new RemoteError(subject, refusal.success ? refusal.data.error : 'refused without a reason')
}

/** @throws InvalidMessageError */
export function incoming(message: Msg): IncomingMessage {
  const { subject, data } = message
  // The broker may carry more than its sender's own limit lets through.
  if (data.length > MAXIMUM_BODY_BYTES) {
    throw new InvalidMessageError(
      subject,
      `the body has ${data.length} bytes, more than ${MAXIMUM_BODY_BYTES}`,
    )
  }
  return {
    subject,
    body: decodeBody(subject, message.string()),
    headers: decodeHeaders(message.headers),
  }
}

const WIRE_NAMES = {
  id: 'mdhcp-id',
  correlationId: 'mdhcp-correlation-id',
  traceparent: 'traceparent',
} as const

export function encodeHeaders(given: MessageHeaders | undefined): MsgHdrs | undefined {
  const clean = cleanHeaders(given)
  let encoded: MsgHdrs | undefined
  for (const name of HEADER_NAMES) {
    const value = clean[name]
    if (value === undefined) continue
    encoded ??= emptyHeaders()
    encoded.set(WIRE_NAMES[name], value)
  }
  return encoded
}

function decodeHeaders(given: MsgHdrs | undefined): MessageHeaders {
  if (!given) return {}
  const decoded: MessageHeaders = {}
  for (const name of HEADER_NAMES) decoded[name] = given.get(WIRE_NAMES[name])
  return cleanHeaders(decoded)
}

export interface Attempt {
  subject: string
  text: string
  /** The broker's `max_payload`. */
  limit: number | undefined
  timeout?: Duration
}

/** The client compares with what the broker said when they connected; what `encodeBody` lets through fits into 4 MB. */
const RAISE_THE_LIMIT = 'set "max_payload: 4MB" in the configuration of the message broker'

/** What the client's error means to whoever sent. */
export function translate(error: unknown, { subject, text, limit = 0, timeout }: Attempt): Error {
  if (!(error instanceof NatsError)) return error instanceof Error ? error : new Error(String(error))
  switch (error.code) {
    case ErrorCode.NoResponders:
      return new NoResponderError(subject)
    case ErrorCode.Timeout:
      return new RequestTimeoutError(subject, timeout ?? 0)
    case ErrorCode.PermissionsViolation:
      return new NotPermittedError(subject, { cause: error })
    case ErrorCode.MaxPayloadExceeded:
      return new MessageTooLargeError(subject, Buffer.byteLength(text), limit, RAISE_THE_LIMIT)
    case ErrorCode.ConnectionClosed:
    case ErrorCode.ConnectionDraining:
    case ErrorCode.Disconnect:
      return new DisconnectedError(subject)
    default:
      return error
  }
}
