import { InvalidMessageError, MessageTooLargeError } from './errors.ts'
import type { MessageHeaders } from './transport.ts'

/**
 * What one message may have, headers and all, whatever a broker would carry: nobody makes a process hold more. It is the
 * `max_payload: 4MB` of the deployed broker; the snapshot of the largest IPPool has 1.7 MB.
 */
const MAXIMUM_PAYLOAD = 4 * 1024 * 1024
const ROOM_FOR_HEADERS = 4096
export const MAXIMUM_BODY_BYTES = MAXIMUM_PAYLOAD - ROOM_FOR_HEADERS

/** Printable ASCII: a line break in a header would start another header. */
const HEADER_VALUE = /^[\x21-\x7e]{1,512}$/

/**
 * The JSON that travels. Every transport goes through it, so that a body is never shared between sender and
 * receiver, and means the same in one process as across a network.
 * @throws MessageTooLargeError
 * @throws InvalidMessageError when the body has no JSON form
 */
export function encodeBody(subject: string, body: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(body)
  } catch (cause) {
    throw new InvalidMessageError(subject, 'the body has no JSON form', { cause })
  }
  if (text === undefined) return 'null'
  // A UTF-16 unit takes three bytes of UTF-8 at most: short texts need no count.
  if (text.length * 3 > MAXIMUM_BODY_BYTES) {
    const bytes = Buffer.byteLength(text)
    if (bytes > MAXIMUM_BODY_BYTES) {
      throw new MessageTooLargeError(subject, bytes, MAXIMUM_PAYLOAD, 'send it in parts')
    }
  }
  return text
}

/** @throws InvalidMessageError */
export function decodeBody(subject: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new InvalidMessageError(subject, 'the body is not JSON', { cause })
  }
}

/** Only the known headers, and of these only what can travel everywhere. */
export function cleanHeaders(headers: MessageHeaders | undefined): MessageHeaders {
  const clean: MessageHeaders = {}
  if (!headers) return clean
  for (const name of HEADER_NAMES) {
    const value = headers[name]
    if (value !== undefined && HEADER_VALUE.test(value)) clean[name] = value
  }
  return clean
}

export const HEADER_NAMES = ['id', 'correlationId', 'traceparent'] as const satisfies (keyof MessageHeaders)[]

/** The reason that a requester is told: what a handler threw, cut to a length that fits. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.slice(0, 1000)
}
