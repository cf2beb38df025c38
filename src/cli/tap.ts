import type { OutgoingHttpHeaders } from 'node:http'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { Logger } from 'pino'
import * as z from 'zod'
import { connectNatsTransport } from '../../transports/messages/nats.ts'
import { loadApiServer } from '../kube/kubeconfig.ts'
import { subjectsOf, TAP_PATH } from '../processes/standalone/tap-route.ts'
import { keepAlive } from '../runtime/keep-alive.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { UsageError } from './usage-error.ts'

export interface TapOptions {
  subjects: readonly string[]
  show: (subject: string, message: unknown) => void
  signal: AbortSignal
  /** From now on nothing is missed. */
  onReady?: () => void
}

const lineSchema = z.object({ subject: z.string(), body: z.unknown() })
const envelopeSchema = z.object({ body: z.record(z.string(), z.unknown()) })

/** Follows the events of a broker until the signal. @throws InvalidTapError, InvalidServerUrlError */
async function tapNats(server: string, options: TapOptions & { log: Logger }): Promise<void> {
  const subjects = subjectsOf(options.subjects)
  const transport = connectNatsTransport({
    servers: server,
    name: 'managed-dhcp-tap',
    clock: systemClock,
    log: options.log,
  })
  for (const subject of subjects) {
    transport.subscribe(subject, ({ subject: of, body }) => options.show(of, body))
  }
  const release = keepAlive()
  await new Promise<void>((resolve) =>
    options.signal.addEventListener('abort', () => resolve(), { once: true }),
  )
  release()
  await transport.close()
}

/** Follows the events of a standalone until the signal, or until it goes away. @throws InvalidTapError, UsageError */
export async function tapStandalone(
  server: string,
  headers: OutgoingHttpHeaders | readonly string[] | undefined,
  options: TapOptions,
): Promise<void> {
  const url = new URL(TAP_PATH, server)
  for (const subject of subjectsOf(options.subjects)) url.searchParams.append('subject', subject)
  let response: Response
  try {
    response = await fetch(url, {
      signal: options.signal,
      headers: new Headers(
        Object.entries(headers ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
      ),
    })
  } catch (cause) {
    if (options.signal.aborted) return
    throw new UsageError(`nobody answers at ${server}: start standalone, or name a broker with --nats`, {
      cause,
    })
  }
  if (!response.ok || response.body === null) {
    throw new UsageError(
      `${server} has no tap (HTTP ${response.status}): it is no standalone; name a broker with --nats`,
    )
  }
  options.onReady?.()
  try {
    for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
      const { subject, body } = lineSchema.parse(JSON.parse(line))
      options.show(subject, body)
    }
  } catch (error) {
    if (!options.signal.aborted) throw error
  }
}

/** What an event says, without its envelope. */
export function bodyOf(message: unknown): Record<string, unknown> | undefined {
  return envelopeSchema.safeParse(message).data?.body
}

/** One line an event: time, subject, and the fields that have a value. */
function describe(subject: string, body: unknown): string {
  const fields =
    typeof body === 'object' && body !== null
      ? Object.entries(body)
          .filter(([name, value]) => name !== 'type' && value !== undefined && value !== '')
          .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      : [JSON.stringify(body)]
  return `${timeOfDay()} ${subject} ${fields.join(' ')}\n`
}

/** As the clock on the wall has it, to the millisecond. */
export function timeOfDay(): string {
  const now = new Date(systemClock.now())
  return `${now.toTimeString().slice(0, 8)}.${String(now.getMilliseconds()).padStart(3, '0')}`
}

/** Until Ctrl-C, or until whoever tells is gone. */
export async function followEvents(options: {
  subjects: readonly string[]
  nats: string | undefined
  kubeconfig: string | undefined
  log: Logger
}): Promise<void> {
  const { subjects, nats, kubeconfig, log } = options
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  // A reader such as `head` has seen enough.
  process.stdout.on('error', () => stop.abort())
  const show = (subject: string, message: unknown) =>
    void process.stdout.write(describe(subject, bodyOf(message) ?? message))
  const follow = { subjects, show, signal: stop.signal }
  if (nats !== undefined) return tapNats(nats, { ...follow, log })
  const server = loadApiServer(kubeconfig)
  const { headers } = await server.requestOptions()
  return tapStandalone(server.url.href, headers, follow)
}
