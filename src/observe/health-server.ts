import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { HEALTH_PATHS, type HealthAnswer, type HealthOptions, healthRoutes } from './health.ts'

export interface HealthServerOptions extends HealthOptions {
  host: string
  /** 0: any free port. */
  port: number
}

export interface HealthServer {
  readonly address: AddressInfo
  close(): Promise<void>
}

export class HealthListenError extends Error {
  override readonly name = 'HealthListenError'
  constructor(
    readonly host: string,
    readonly port: number,
    cause: NodeJS.ErrnoException,
  ) {
    super(
      `cannot listen on ${host}:${port} for health and metrics: ${cause.code ?? cause.message}; choose another with --health`,
      {
        cause,
      },
    )
  }
}

/**
 * Serves /healthz, /readyz and /metrics.
 * @throws HealthListenError
 */
export async function createHealthServer({
  host,
  port,
  ...options
}: HealthServerOptions): Promise<HealthServer> {
  const routes = new Map<string, () => Promise<HealthAnswer>>(Object.entries(healthRoutes(options)))
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    const route = routes.get((request.url ?? '').split('?', 1)[0] ?? '')
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (route === undefined || !isRead) {
      response.writeHead(route === undefined ? 404 : 405).end()
      return
    }
    route().then(
      ({ status, contentType, body }) =>
        response.writeHead(status, { 'content-type': contentType }).end(body),
      (err) => {
        options.log.error({ err }, 'health answer failed')
        response.destroy()
      },
    )
  })
  // Anybody may reach this port: no visitor may keep the others out or eat the memory.
  server.maxConnections = 64
  await listen(server, host, port)
  server.on('error', (err) => options.log.error({ err }, 'health server failed'))
  return {
    address: server.address() as AddressInfo,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The same three routes on a server that is there anyway. */
export function addHealthRoutes(app: FastifyInstance, options: HealthOptions): void {
  const routes = healthRoutes(options)
  for (const path of HEALTH_PATHS) {
    app.get(path, async (_, reply) => {
      const { status, contentType, body } = await routes[path]()
      return reply.code(status).type(contentType).send(body)
    })
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) => reject(new HealthListenError(host, port, cause))
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
}
