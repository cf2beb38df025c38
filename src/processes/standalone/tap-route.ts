import type { FastifyInstance } from 'fastify'
import { ALL_EVENTS, checkPattern } from '../../../transports/messages/subjects.ts'
import type { IncomingMessage, Subscription, Transport } from '../../../transports/messages/transport.ts'

export const TAP_PATH = '/managed-dhcp/tap'

/** A reader that is so far behind is let go. */
const MAXIMUM_BACKLOG = 4 * 1024 * 1024

/**
 * The events of the embedded message bus as JSON lines: `GET /managed-dhcp/tap?subject=mdhcp.event.>`, any number of
 * subjects. Events only: a tap on commands would count as their responder.
 */
export function addTapRoute(app: FastifyInstance, transport: Transport): void {
  app.get(TAP_PATH, (request, reply) => {
    let subjects: string[]
    try {
      subjects = subjectsOf(new URL(request.url, 'http://localhost').searchParams.getAll('subject'))
    } catch (error) {
      reply.code(400).send({ message: error instanceof Error ? error.message : String(error) })
      return
    }
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, { 'content-type': 'application/x-ndjson' })
    raw.flushHeaders()
    const show = ({ subject, body }: IncomingMessage) => {
      raw.write(`${JSON.stringify({ subject, body })}\n`)
      if (raw.writableLength > MAXIMUM_BACKLOG) raw.destroy()
    }
    const subscriptions: Subscription[] = subjects.map((subject) => transport.subscribe(subject, show))
    raw.on('close', () => {
      for (const subscription of subscriptions) subscription.unsubscribe()
    })
  })
}

/** A tap asked for something that is no event. */
export class InvalidTapError extends Error {
  override readonly name = 'InvalidTapError'
  constructor(readonly subject: string) {
    super(`"${subject}" is no subject of events: it must begin with mdhcp.event., e.g. mdhcp.event.dhcp.>`)
  }
}

/** @throws InvalidTapError, InvalidSubjectError */
export function subjectsOf(wanted: readonly string[]): string[] {
  const subjects = wanted.length === 0 ? [ALL_EVENTS] : [...wanted]
  for (const subject of subjects) {
    if (!subject.startsWith('mdhcp.event.')) throw new InvalidTapError(subject)
    checkPattern(subject)
  }
  return subjects
}
