import { existsSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import type { Server } from 'node:net'
import { hostname } from 'node:os'
import path from 'node:path'
import type { Logger } from 'pino'
import { startActorSystem } from '../../../actors/system.ts'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import { localFirst } from '../../../transports/messages/local-first.ts'
import { connectNatsTransport } from '../../../transports/messages/nats.ts'
import type { Transport } from '../../../transports/messages/transport.ts'
import { DataDirectoryError } from '../../embedded/backend/errors.ts'
import { type EmbeddedApi, openEmbeddedApi } from '../../embedded/embedded-api.ts'
import { writeKubeconfig } from '../../embedded/kubeconfig.ts'
import { createEventRecorder } from '../../kube/event-recorder.ts'
import { resolveIPv4 } from '../../network/resolve.ts'
import { addHealthRoutes } from '../../observe/health-server.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { createCautiousClock } from '../../runtime/cautious-clock.ts'
import { systemRandom } from '../../runtime/random.ts'
import { monotonicClock, systemClock } from '../../runtime/system-clock.ts'
import { createAgentMetrics } from '../agent/agent-metrics.ts'
import { startController } from '../controller/controller.ts'
import { addActorMetrics, addPoolMetrics } from '../controller/pool-metrics.ts'
import type { RunningProcess } from '../running-process.ts'
import { VERSION } from '../version.ts'
import { createStandaloneAdmission } from './admission.ts'
import { startAgentManager } from './agent-manager.ts'
import { addTapRoute } from './tap-route.ts'

export interface StandaloneOptions {
  dataDirectory: string
  /** Where the Kubernetes API is served; a socket that listens already can be given instead. */
  listen: { host: string; port: number } | { handle: Server }
  /** Needed for anything but loopback. */
  token?: string
  /** Network, as "namespace/name", to the interface that it is served on. */
  interfaces: ReadonlyMap<string, string>
  /** A broker instead of the embedded message bus. */
  nats?: string
  namespace: string
  log: Logger
}

export interface Standalone extends RunningProcess {
  readonly url: string
  readonly kubeconfig: string
}

/**
 * Controller, agents, Kubernetes API and message bus in one process.
 * @throws DataDirectoryError, ListenError, InsecureListenError, InvalidServerUrlError
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { log, dataDirectory } = options
  const clock = systemClock
  const random = systemRandom
  await makeDataDirectory(dataDirectory)
  const transport: Transport =
    options.nats === undefined
      ? createLocalTransport({ clock, log, pendingLimit: 50_000 })
      : localFirst(
          createLocalTransport({ clock, log, pendingLimit: 50_000 }),
          connectNatsTransport({
            servers: options.nats,
            name: 'managed-dhcp-standalone',
            clock,
            log,
            pendingLimit: 50_000,
          }),
        )
  const api: EmbeddedApi = await openEmbeddedApi({
    dataDirectory: path.join(dataDirectory, 'store'),
    clock,
    random,
    log,
    admit: createStandaloneAdmission(() => api.store),
  })
  const { store } = api
  // Rests must not be cut short because somebody sets the clock (law 1).
  const cautious = createCautiousClock({ wall: clock, monotonic: monotonicClock })
  const system = startActorSystem({ name: 'standalone', log, clock: cautious, random })
  const recorder = createEventRecorder({
    store,
    clock,
    random,
    log,
    component: 'managed-dhcp',
    instance: hostname(),
  })
  const metrics = createMetrics({ component: 'standalone', version: VERSION })

  const parts = { system, store, transport, clock: cautious, random, log }
  const controller = startController({ ...parts, recorder, resolve: resolveIPv4 })
  addPoolMetrics(metrics, controller.pools)
  addActorMetrics(metrics, system.stats)
  const agents = startAgentManager({
    ...parts,
    interfaces: options.interfaces,
    namespace: options.namespace,
    stateDirectory: path.join(dataDirectory, 'agents'),
    metrics: createAgentMetrics(metrics),
  })

  const ready = () => {
    const reasons = [...controller.ready().reasons, ...agents.problems()]
    return { ok: reasons.length === 0, reasons }
  }

  async function stop(): Promise<void> {
    await controller.stop()
    await agents.stop()
    await recorder.close()
    await system.stopAll()
    await transport.close()
    await api.close()
  }

  try {
    addHealthRoutes(api.http.app, { registry: metrics.registry, ready, log })
    addTapRoute(api.http.app, transport)
    const token = options.token === undefined ? {} : { token: options.token }
    const { url } = await api.listen({ ...options.listen, ...token })
    const kubeconfig = path.join(dataDirectory, 'kubeconfig')
    await writeKubeconfig(kubeconfig, { url, ...token })
    log.info({ url, kubeconfig }, `Kubernetes API: kubectl --kubeconfig ${kubeconfig} get ippools`)
    return { url, kubeconfig, ready, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @throws DataDirectoryError */
async function makeDataDirectory(directory: string): Promise<void> {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return
  try {
    // Where the parent is there, only the folder itself: on /proc a recursive mkdir of Node never ends.
    await mkdir(directory, { recursive: !existsSync(path.dirname(directory)), mode: 0o700 })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DataDirectoryError(directory, `cannot be made: ${why}`, { cause })
  }
}
