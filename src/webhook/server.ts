import { constants } from 'node:crypto'
import type { Server, ServerOptions } from 'node:https'
import fastify, { type FastifyError } from 'fastify'
import type { Logger } from 'pino'
import { type Duration, milliseconds, seconds } from '../api/values/time.ts'
import { admissionReviewSchema, reviewOf } from './admission-review.ts'
import type { KeyPair } from './certificates/issue.ts'
import type { Reviewer, ReviewKind } from './review.ts'

export interface WebhookServerOptions {
  host: string
  /** 0: any free port. */
  port: number
  review: Reviewer
  log: Logger
}

export interface WebhookServer {
  readonly port: number
  /** From the next connection on; those that are open live on. */
  useCertificate(certificate: KeyPair): void
  /** From now on each answer ends its connection, so that the API server makes its next one to another replica. */
  leave(): void
  /** Lets nobody in any more, and answers what was asked. */
  close(): Promise<void>
}

/** The port of the webhook is taken, or may not be taken. */
export class HttpsListenError extends Error {
  override readonly name = 'HttpsListenError'
  constructor(
    readonly host: string,
    readonly port: number,
    cause: unknown,
  ) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`cannot listen on ${host}:${port} for the API server: ${why}; choose another with --https-port`, {
      cause,
    })
  }
}

/** An object has at most 1.5 MiB, and an update brings two. */
const BODY_LIMIT = 4 * 1024 * 1024
/** What the API server gives where it does not say (`timeout` in the query), and what the way back may take of it. */
const DEFAULT_PATIENCE = seconds(10)
const MARGIN = milliseconds(500)

/**
 * Answers AdmissionReviews at /mutate and /validate; before `useCertificate` nobody gets through the handshake.
 * @throws HttpsListenError
 */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { host, port, review, log } = options
  const app = fastify<Server>({
    https: TLS,
    bodyLimit: BODY_LIMIT,
    requestTimeout: 30_000,
    keepAliveTimeout: 120_000,
    forceCloseConnections: 'idle',
    // Who got in before the door was closed is answered like everybody else.
    return503OnClosing: false,
    exposeHeadRoutes: false,
  })
  let isLeaving = false
  app.addHook('onSend', async (_, reply) => {
    if (isLeaving) reply.header('connection', 'close')
  })
  // Nobody but the API server has business here.
  app.server.maxConnections = 256
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const code = error.statusCode ?? 500
    if (code >= 500) log.error({ err: error, url: request.url }, 'review failed')
    reply.code(code).send({ message: code >= 500 ? 'the webhook failed, see its log' : error.message })
  })
  for (const kind of ['mutate', 'validate'] satisfies ReviewKind[]) {
    app.post(`/${kind}`, async (request, reply) => {
      const parsed = admissionReviewSchema.safeParse(request.body)
      if (!parsed.success) {
        const why = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
        return reply.code(400).send({ message: `no admission.k8s.io/v1 AdmissionReview: ${why.join('; ')}` })
      }
      return reviewOf(await review(kind, parsed.data.request, patienceOf(request.query)))
    })
  }
  const listen = async (at: string): Promise<unknown> => {
    try {
      return await app.listen({ host: at, port })
    } catch (error) {
      const hasNoIPv6 =
        at === '::' && error instanceof Error && 'code' in error && error.code === 'EAFNOSUPPORT'
      if (hasNoIPv6) return app.listen({ host: '0.0.0.0', port })
      throw error
    }
  }
  try {
    await listen(host)
  } catch (cause) {
    throw new HttpsListenError(host, port, cause)
  }
  const address = app.server.address()
  return {
    port: typeof address === 'object' ? (address?.port ?? port) : port,
    useCertificate: ({ certificate, key }) => app.server.setSecureContext({ ...TLS, cert: certificate, key }),
    leave() {
      isLeaving = true
    },
    async close() {
      isLeaving = true
      await app.close()
    },
  }
}

const TLS: ServerOptions = {
  minVersion: 'TLSv1.2',
  // Resumed sessions would outlive the certificate; renegotiation is nothing but a way to keep a server busy.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
}

/** The API server says how long it waits, e.g. `?timeout=10s`. */
function patienceOf(query: unknown): Duration {
  const text = typeof query === 'object' && query !== null && 'timeout' in query ? String(query.timeout) : ''
  const [, count, unit] = /^(\d{1,5})(ms|s)$/.exec(text) ?? []
  const given = count === undefined ? DEFAULT_PATIENCE : Number(count) * (unit === 's' ? 1000 : 1)
  return milliseconds(Math.max(given - MARGIN, given / 2))
}
