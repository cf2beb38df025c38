import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { startActorSystem } from '../../../actors/system.ts'
import { connectNatsTransport } from '../../../transports/messages/nats.ts'
import { createKubeStore } from '../../kube/client.ts'
import { createEventRecorder } from '../../kube/event-recorder.ts'
import { resolveIPv4 } from '../../network/resolve.ts'
import { createHealthServer } from '../../observe/health-server.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { systemRandom } from '../../runtime/random.ts'
import { systemClock } from '../../runtime/system-clock.ts'
import type { RunningProcess } from '../running-process.ts'
import { VERSION } from '../version.ts'
import { startController } from './controller.ts'
import { addActorMetrics, addPoolMetrics } from './pool-metrics.ts'

export interface ControllerProcessOptions {
  kubeconfig?: string
  nats: string
  health: { host: string; port: number }
  log: Logger
}

/** Requests of all VMs of a big cluster at once: each waits for its pool's next write. */
const PENDING_LIMIT = 50_000

/**
 * The pool and vm actors, as a process of their own.
 * @throws KubeconfigError, InvalidServerUrlError, HealthListenError
 */
export async function startControllerProcess(options: ControllerProcessOptions): Promise<RunningProcess> {
  const { log } = options
  const clock = systemClock
  const random = systemRandom
  const metrics = createMetrics({ component: 'controller', version: VERSION })
  const store = createKubeStore({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    log,
    clock,
  })
  const transport = connectNatsTransport({
    servers: options.nats,
    name: 'managed-dhcp-controller',
    clock,
    log,
    pendingLimit: PENDING_LIMIT,
  })
  const system = startActorSystem({ name: 'controller', log, clock, random })
  const recorder = createEventRecorder({
    store,
    clock,
    random,
    log,
    component: 'managed-dhcp-controller',
    instance: hostname(),
  })
  const controller = startController({
    system,
    store,
    transport,
    recorder,
    resolve: resolveIPv4,
    clock,
    random,
    log,
  })
  addPoolMetrics(metrics, controller.pools)
  addActorMetrics(metrics, system.stats)
  const health = await createHealthServer({
    ...options.health,
    registry: metrics.registry,
    ready: () => controller.ready(),
    log,
  })
  return {
    ready: () => controller.ready(),
    async stop() {
      controller.stop()
      await recorder.close()
      await system.stopAll()
      await transport.close()
      store.close()
      await health.close()
    },
  }
}
