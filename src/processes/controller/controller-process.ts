import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import { localFirst } from '../../../transports/messages/local-first.ts'
import { connectNatsTransport } from '../../../transports/messages/nats.ts'
import { createKubeStore } from '../../kube/client.ts'
import { LEASE_REQUEST_TIMEOUT } from '../../kube/election.ts'
import type { RateLimit } from '../../kube/rate-limiter.ts'
import { resolveIPv4 } from '../../network/resolve.ts'
import { createHealthServer } from '../../observe/health-server.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { systemRandom } from '../../runtime/random.ts'
import { monotonicClock, systemClock } from '../../runtime/system-clock.ts'
import type { RunningProcess } from '../running-process.ts'
import { VERSION } from '../version.ts'
import type { AgentSettings } from './agents/deployment.ts'
import { addActorMetrics, addLeaderMetric, addPoolMetrics } from './pool-metrics.ts'
import { COMPONENT, startControllerReplica } from './replica.ts'

export interface ControllerProcessOptions {
  kubeconfig?: string
  nats: string
  health: { host: string; port: number }
  /** Where the Lease is, and the agents' pods. */
  namespace: string
  /** The pod, if it is one. */
  host?: string
  /** False where there is one controller only. */
  leaderElection: boolean
  /** Requests to the Kubernetes API, but for those about the Lease. */
  rateLimit: RateLimit
  /** How the agents' Deployments are made; without it none are. */
  agents?: AgentSettings
  log: Logger
}

/** Requests of all VMs of a big cluster at once: each waits for its pool's next write. */
const PENDING_LIMIT = 50_000
const LEASE_RATE: RateLimit = { requestsPerSecond: 10, burst: 20 }

/**
 * The pool and vm actors, as a process of their own: a warm standby, until it leads.
 * @throws KubeconfigError, InvalidServerUrlError, InvalidNatsLoginError, HealthListenError
 */
export async function startControllerProcess(options: ControllerProcessOptions): Promise<RunningProcess> {
  const { log, namespace, rateLimit } = options
  const clock = systemClock
  const random = systemRandom
  const host = options.host ?? hostname()
  const metrics = createMetrics({ component: 'controller', version: VERSION })
  const store = createKubeStore({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    log,
    clock,
    rateLimit,
  })
  const transport = connectNatsTransport({
    servers: options.nats,
    name: COMPONENT,
    clock,
    log,
    pendingLimit: PENDING_LIMIT,
  })
  // Its own actors talk to each other also while the broker is away.
  const messages = localFirst(createLocalTransport({ clock, log, pendingLimit: PENDING_LIMIT }), transport)
  const leaseStore = createKubeStore({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    log,
    clock,
    requestTimeout: LEASE_REQUEST_TIMEOUT,
    rateLimit: LEASE_RATE,
  })
  if (options.agents === undefined)
    log.info('no --agent-image: this controller makes no Deployments for agents')
  const refusedWrites = metrics.counter({
    name: 'writes_refused_total',
    help: 'Writes to the Kubernetes API that were not sent because another process leads.',
  })
  const replica = startControllerReplica({
    store,
    leaseStore,
    transport: messages,
    clock,
    monotonicClock,
    random,
    log,
    host,
    namespace,
    leaderElection: options.leaderElection,
    resolve: resolveIPv4,
    agents: options.agents,
    writeRefused: () => refusedWrites.inc(),
  })
  addLeaderMetric(metrics, replica.isLeading)
  addPoolMetrics(metrics, replica.pools)
  addActorMetrics(metrics, replica.system.stats)
  const ready = () => {
    const reasons = [...replica.ready().reasons, ...transport.problems()]
    return { ok: reasons.length === 0, reasons }
  }
  const health = await createHealthServer({ ...options.health, registry: metrics.registry, ready, log })
  return {
    ready,
    async stop() {
      await replica.stop()
      await messages.close()
      store.close()
      leaseStore.close()
      await health.close()
    },
  }
}
