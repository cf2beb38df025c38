import type { Logger } from 'pino'
import type { Cidr } from '../../api/values/cidr.ts'
import { type Duration, seconds } from '../../api/values/time.ts'
import type { Store } from '../../kube/store.ts'
import type { Readiness } from '../../observe/health.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { startCertificateFiles } from '../../webhook/certificates/files.ts'
import { startCertificateManager } from '../../webhook/certificates/manager.ts'
import type { ServingCertificate } from '../../webhook/certificates/material.ts'
import type { CertificateSource } from '../../webhook/certificates/source.ts'
import { addCertificateMetrics, createAdmissionMetrics } from '../../webhook/metrics.ts'
import { createReviewer } from '../../webhook/review.ts'
import { startWebhookServer } from '../../webhook/server.ts'
import { createStoreClusterView } from '../../webhook/store-cluster-view.ts'

export interface WebhookOptions {
  store: Store
  clock: Clock
  random: Random
  log: Logger
  metrics: Metrics
  host: string
  port: number
  namespace: string
  service: string
  /** Of the certificate; default: those of the Service. */
  names?: readonly string[]
  serviceCidrs?: readonly Cidr[]
  certificates?: string
}

export interface Webhook {
  /** Of the HTTPS server. */
  readonly port: number
  ready(): Readiness
  /** Not ready at once, but answers for a while: those who ask hear of it later. What was asked is answered. */
  stop(farewell?: Duration): Promise<void>
}

/**
 * Nodes take the pod out of the Service's endpoints some moments after it began to stop. With the ten seconds that an
 * answer may take, it stays well inside the thirty that the pod has.
 */
const FAREWELL = seconds(5)

/** The names under which the API server calls a Service. */
function serviceNames(service: string, namespace: string): readonly string[] {
  const name = `${service}.${namespace}`
  return [`${name}.svc`, `${name}.svc.cluster.local`, name]
}

/**
 * Serves as soon as there is a certificate, and goes on with every later one.
 * @throws HttpsListenError, CertificateFilesError
 */
export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { store, clock, log, metrics, host, port, namespace, serviceCidrs = [] } = options
  const review = createReviewer({
    view: createStoreClusterView({ store, serviceCidrs }),
    clock,
    log,
    metrics: createAdmissionMetrics(metrics),
    trustedUsers: new Set([`system:serviceaccount:${namespace}:managed-dhcp-controller`]),
  })

  const server = await startWebhookServer({ host, port, review, log })
  const certificates = await certificatesFor(options).catch(async (error: unknown) => {
    await server.close()
    throw error
  })
  addCertificateMetrics(metrics, certificates)
  const use = (certificate: ServingCertificate) => server.useCertificate(certificate)
  certificates.onChange(use)
  const first = certificates.current()
  if (first !== undefined) use(first)

  let isStopping = false
  return {
    port: server.port,
    ready() {
      const reasons = isStopping ? ['it is stopping'] : certificates.problems()
      return { ok: reasons.length === 0, reasons }
    },
    async stop(farewell = FAREWELL) {
      isStopping = true
      server.leave()
      await sleep(clock, farewell)
      certificates.stop()
      await server.close()
    },
  }
}

/** @throws CertificateFilesError */
async function certificatesFor(options: WebhookOptions): Promise<CertificateSource> {
  const { store, clock, random, log, namespace, service, certificates: directory } = options
  const { names = serviceNames(service, namespace) } = options
  if (directory !== undefined) return startCertificateFiles({ store, clock, log, directory })
  return startCertificateManager({
    store,
    clock,
    random,
    log,
    namespace,
    names,
  })
}
