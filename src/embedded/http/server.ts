import type { Server as NetServer } from 'node:net'
import fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { ApiCore } from '../api-core.ts'
import { ApiError, noSuchResource, requestTooLarge } from '../status.ts'
import { checkAccess, InsecureListenError, isLoopback } from './access.ts'
import { MAX_BODY_BYTES } from './body.ts'
import { registerDiscovery } from './discovery-routes.ts'
import { handleResource } from './resource-handler.ts'

export class ListenError extends Error {
  override readonly name = 'ListenError'
}

export type ListenOptions = {
  /** Required of every client; needed for anything but loopback. */
  token?: string
} & (
  | { host?: string; port?: number }
  /** A socket that listens already, e.g. one received over IPC, or its file descriptor. */
  | { handle: NetServer | { fd: number } }
)

export interface HttpServer {
  /** For further routes (`/metrics`, a tap), to be added before `listen`; access rules hold for them too. */
  readonly app: FastifyInstance
  listen(options: ListenOptions): Promise<{ url: string }>
  close(): Promise<void>
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

export function createHttpServer(core: ApiCore, log: Logger): HttpServer {
  let token: string | undefined
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    // A URL that cannot be decoded never reaches a route.
    frameworkErrors: (error, _request, { raw }) => {
      const refusal = toApiError(error)
      raw.writeHead(refusal.code, { 'content-type': 'application/json' }).end(JSON.stringify(refusal.status))
    },
  })
  app.addHook('onRequest', async (request) => checkAccess(request, token))
  // Fastify ends the connections only of a server that it told to listen itself, not of one with a socket of another's.
  app.addHook('preClose', async () => app.server.closeAllConnections())
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = toApiError(error)
    if (refusal.code >= 500)
      log.error({ err: error, method: request.method, url: request.url }, 'request failed')
    reply.code(refusal.code).send(refusal.status)
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(noSuchResource().status))
  app.register(async (api) => {
    // Bodies are parsed where it is known what they must be; here they are bytes.
    api.removeAllContentTypeParsers()
    api.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    registerDiscovery(api, core)
    for (const url of ['/api/v1/*', '/apis/:group/:version/*']) {
      api.route({
        method: [...METHODS],
        url,
        handler: (request, reply) => handleResource(core, request, reply),
      })
    }
  })
  return {
    app,
    async listen(options) {
      token = options.token
      const url = 'handle' in options ? await listenOn(app, options.handle) : await listenAt(app, options)
      return { url }
    },
    close: () => app.close(),
  }

  async function listenAt(instance: FastifyInstance, options: { host?: string; port?: number }) {
    const { host = '127.0.0.1', port = 0 } = options
    if (token === undefined && !isLoopback(host)) throw new InsecureListenError(host)
    try {
      await instance.listen({ host, port })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new ListenError(`the embedded API cannot listen on ${host}:${port}: ${why}`, { cause })
    }
    return urlOf(instance)
  }

  async function listenOn(instance: FastifyInstance, handle: NetServer | { fd: number }) {
    await instance.ready()
    await new Promise<void>((resolve, reject) => {
      instance.server.once('error', (cause) => {
        reject(new ListenError(`the embedded API cannot use the socket: ${cause.message}`, { cause }))
      })
      instance.server.listen(handle, () => resolve())
    })
    const url = urlOf(instance)
    const { hostname } = new URL(url)
    if (token === undefined && !isLoopback(hostname)) {
      await instance.close()
      throw new InsecureListenError(hostname)
    }
    return url
  }
}

function urlOf(app: FastifyInstance): string {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new ListenError('the socket is not a TCP socket')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

function toApiError(error: FastifyError): ApiError {
  if (error instanceof ApiError) return error
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return requestTooLarge(MAX_BODY_BYTES)
  const code = error.statusCode ?? 500
  if (code < 500) return new ApiError(code, 'BadRequest', error.message, undefined, { cause: error })
  const message = `Internal error occurred: ${error.message}`
  return new ApiError(500, 'InternalError', message, undefined, { cause: error })
}
