import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { startActorSystem } from '../../../actors/system.ts'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import { localFirst } from '../../../transports/messages/local-first.ts'
import { connectNatsTransport } from '../../../transports/messages/nats.ts'
import { createKubeStore } from '../../kube/client.ts'
import { createEventRecorder } from '../../kube/event-recorder.ts'
import { createFencedStore } from '../../kube/fenced-store.ts'
import type { RateLimit } from '../../kube/rate-limiter.ts'
import { resolveIPv4 } from '../../network/resolve.ts'
import { createHealthServer } from '../../observe/health-server.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { systemRandom } from '../../runtime/random.ts'
import { systemClock } from '../../runtime/system-clock.ts'
import type { RunningProcess } from '../running-process.ts'
import { VERSION } from '../version.ts'
import type { AgentSettings } from './agents/deployment.ts'
import { startAgentReconciler } from './agents/reconciler.ts'
import { startController } from './controller.ts'
import { electLeader, leadAlone } from './leadership.ts'
import { addActorMetrics, addLeaderMetric, addPoolMetrics } from './pool-metrics.ts'
import { transportWhileLeading } from './while-leading.ts'

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
const COMPONENT = 'managed-dhcp-controller'

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
  const isLeading = () => leadership.isLeading()
  const fenced = createFencedStore(store, isLeading)
  const system = startActorSystem({ name: 'controller', log, clock, random })
  const events = { clock, random, log, component: COMPONENT, instance: host }
  const recorder = createEventRecorder({ ...events, store: fenced })
  // A standby has one thing to tell: that it is one now.
  const electionRecorder = createEventRecorder({ ...events, store })
  const { agents } = options
  if (agents === undefined) log.info('no --agent-image: this controller makes no Deployments for agents')
  const controller = startController({
    system,
    store: fenced,
    transport: transportWhileLeading(messages, isLeading),
    recorder,
    resolve: resolveIPv4,
    clock,
    random,
    log,
    startAgents:
      agents &&
      (({ informers: { pools, networks }, ...parts }, changed) =>
        startAgentReconciler({ ...parts, ...agents, pools, networks, changed })),
    standby: true,
  })
  const terms = { started: () => controller.lead(), ended: () => controller.standBy() }
  const leadership = options.leaderElection
    ? electLeader({
        ...terms,
        kubeconfig: options.kubeconfig,
        namespace,
        host,
        recorder: electionRecorder,
        random,
        log,
      })
    : leadAlone(terms)
  addLeaderMetric(metrics, isLeading)
  // Only the leader tells: a sum over all replicas is a sum over all pools.
  addPoolMetrics(metrics, () => (isLeading() ? controller.pools() : []))
  addActorMetrics(metrics, system.stats)
  const ready = () => {
    const reasons = [...controller.ready().reasons, ...transport.problems()]
    return { ok: reasons.length === 0, reasons }
  }
  const health = await createHealthServer({ ...options.health, registry: metrics.registry, ready, log })
  // Who cannot read what it would have to act on must not keep others from it.
  let isStopped = false
  void controller.whenSynced().then(() => {
    if (!isStopped) leadership.start()
  })
  return {
    ready,
    async stop() {
      isStopped = true
      await leadership.stop()
      await controller.stop()
      await Promise.all([recorder.close(), electionRecorder.close()])
      await system.stopAll()
      await messages.close()
      store.close()
      await health.close()
    },
  }
}
