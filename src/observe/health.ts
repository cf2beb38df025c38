import type { Logger } from 'pino'
import type { Registry } from 'prom-client'

export interface Readiness {
  readonly ok: boolean
  /** What is missing, for people: "no word from the API server for 4 min". */
  readonly reasons: readonly string[]
}

export interface HealthOptions {
  registry: Registry
  /** True only when the process can really do its work. */
  ready: () => Readiness
  log: Logger
}

export interface HealthAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** The answer to a GET of one of the health paths. Never rejects. */
export type HealthRoute = () => Promise<HealthAnswer>

export const HEALTH_PATHS = ['/healthz', '/readyz', '/metrics'] as const
export type HealthPath = (typeof HEALTH_PATHS)[number]

/** What answers under which path, for any HTTP server. */
export function healthRoutes({ registry, ready, log }: HealthOptions): Record<HealthPath, HealthRoute> {
  return {
    // The event loop turns, or nobody would answer.
    '/healthz': async () => text(200, 'ok\n'),
    '/readyz': async () => {
      let readiness: Readiness
      try {
        readiness = ready()
      } catch (err) {
        log.error({ err }, 'readiness check failed')
        readiness = { ok: false, reasons: ['the readiness check itself failed; see the log'] }
      }
      return json(readiness.ok ? 200 : 503, readiness)
    },
    '/metrics': async () => {
      try {
        return { status: 200, contentType: registry.contentType, body: await registry.metrics() }
      } catch (err) {
        log.error({ err }, 'metrics could not be collected')
        return text(500, 'metrics could not be collected; see the log\n')
      }
    },
  }
}

function text(status: number, body: string): HealthAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body }
}

function json(status: number, body: unknown): HealthAnswer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` }
}
