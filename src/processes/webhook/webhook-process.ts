import type { Logger } from 'pino'
import type { Cidr } from '../../api/values/cidr.ts'
import { seconds } from '../../api/values/time.ts'
import { createKubeStore } from '../../kube/client.ts'
import { createHealthServer } from '../../observe/health-server.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { systemRandom } from '../../runtime/random.ts'
import { systemClock } from '../../runtime/system-clock.ts'
import type { RunningProcess } from '../running-process.ts'
import { VERSION } from '../version.ts'
import { startWebhook } from './webhook.ts'

export interface WebhookProcessOptions {
  kubeconfig?: string
  httpsPort: number
  /** Where the webhook's Service and its Secret are. */
  namespace: string
  service: string
  serviceCidrs: readonly Cidr[]
  /** A folder with tls.crt and tls.key that somebody else looks after. */
  certificates?: string
  health: { host: string; port: number }
  log: Logger
}

/** An answer that takes longer is of no use to the API server that waits for it. */
const REQUEST_TIMEOUT = seconds(10)

/**
 * Admission of IPPools and VirtualMachineNetworkConfigs, as a process of its own.
 * @throws KubeconfigError, HttpsListenError, HealthListenError, CertificateFilesError
 */
export async function startWebhookProcess(options: WebhookProcessOptions): Promise<RunningProcess> {
  const { log } = options
  const clock = systemClock
  const metrics = createMetrics({ component: 'webhook', version: VERSION })
  const store = createKubeStore({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    log,
    clock,
    requestTimeout: REQUEST_TIMEOUT,
  })
  const webhook = await startWebhook({
    store,
    clock,
    random: systemRandom,
    log,
    metrics,
    host: '::',
    port: options.httpsPort,
    namespace: options.namespace,
    service: options.service,
    serviceCidrs: options.serviceCidrs,
    ...(options.certificates === undefined ? {} : { certificates: options.certificates }),
  }).catch((error: unknown) => {
    store.close()
    throw error
  })
  try {
    const health = await createHealthServer({
      ...options.health,
      registry: metrics.registry,
      ready: webhook.ready,
      log,
    })
    return {
      ready: webhook.ready,
      async stop() {
        await webhook.stop()
        store.close()
        await health.close()
      },
    }
  } catch (error) {
    await webhook.stop(seconds(0))
    store.close()
    throw error
  }
}
