import type { Logger } from 'pino'
import { startActorSystem } from '../../../actors/system.ts'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import { connectNatsTransport } from '../../../transports/messages/nats.ts'
import { formatObjectKey, type ObjectKey } from '../../api/values/object-key.ts'
import { createKubeStore } from '../../kube/client.ts'
import { createHealthServer } from '../../observe/health-server.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { createCautiousClock } from '../../runtime/cautious-clock.ts'
import { systemRandom } from '../../runtime/random.ts'
import { monotonicClock, systemClock } from '../../runtime/system-clock.ts'
import type { RunningProcess } from '../running-process.ts'
import { VERSION } from '../version.ts'
import { createAgentMetrics } from './agent-metrics.ts'
import { type AgentRuntime, startAgentRuntime } from './agent-runtime.ts'

export interface AgentOptions {
  pool: ObjectKey
  interfaceName: string
  kubeconfig?: string
  /** Without a broker the agent lives by its watch alone. */
  nats?: string
  stateDirectory: string
  pod: { namespace: string; name: string; uid?: string }
  health: { host: string; port: number }
  log: Logger
}

/**
 * The agent of one IPPool, as a process of its own. Starts, and serves from its state file, also when neither the
 * Kubernetes API nor the broker can be reached.
 * @throws KubeconfigError, InvalidServerUrlError, HealthListenError
 * @throws PacketPermissionError, InterfaceNotFoundError, RawSocketUnavailableError, PacketSocketError
 */
export async function startAgent(options: AgentOptions): Promise<RunningProcess> {
  const { log, pool } = options
  // A lease that was acknowledged must not seem to be over because somebody sets the clock (law 1).
  const clock = createCautiousClock({ wall: systemClock, monotonic: monotonicClock })
  const random = systemRandom
  const metrics = createMetrics({ component: 'agent', version: VERSION })
  let runtime: AgentRuntime | undefined
  const ready = () => runtime?.ready() ?? { ok: false, reasons: ['starting'] }
  const store = createKubeStore({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    log,
    clock,
  })
  // Before anything answers DHCP: a port that is taken must not leave half an agent behind.
  const health = await createHealthServer({ ...options.health, registry: metrics.registry, ready, log })
  const transport =
    options.nats === undefined
      ? createLocalTransport({ clock, log })
      : connectNatsTransport({ servers: options.nats, name: `agent ${formatObjectKey(pool)}`, clock, log })
  const system = startActorSystem({ name: 'agent', log, clock, random })
  const running = await startAgentRuntime({
    ...options,
    system,
    store,
    transport,
    metrics: createAgentMetrics(metrics),
    clock,
    random,
  })
  runtime = running

  return {
    ready,
    async stop() {
      await running.stop()
      await system.stopAll()
      await transport.close()
      store.close()
      await health.close()
    },
  }
}
