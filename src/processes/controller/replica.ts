import type { Logger } from 'pino'
import { type ActorSystem, startActorSystem } from '../../../actors/system.ts'
import type { Transport } from '../../../transports/messages/transport.ts'
import type { KubeObject } from '../../api/object.ts'
import type { IPv4Address } from '../../api/values/ipv4-address.ts'
import { createEventRecorder } from '../../kube/event-recorder.ts'
import { createFencedStore } from '../../kube/fenced-store.ts'
import type { Store } from '../../kube/store.ts'
import type { Readiness } from '../../observe/health.ts'
import { createCautiousClock } from '../../runtime/cautious-clock.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { AgentSettings } from './agents/deployment.ts'
import { startAgentReconciler } from './agents/reconciler.ts'
import { startController } from './controller.ts'
import { electLeader, leadAlone } from './leadership.ts'
import { transportWhileLeading } from './while-leading.ts'

export interface ControllerReplicaOptions {
  store: Store
  /** Its own connections and its own rate: renewals never wait behind ten thousand status writes. */
  leaseStore: Store
  transport: Transport
  clock: Clock
  /** For what must not be too long, whatever is done to the wall clock. */
  monotonicClock: Clock
  random: Random
  log: Logger
  /** The pod, or the machine. */
  host: string
  /** Where the Lease is. */
  namespace: string
  /** False where there is one controller only. */
  leaderElection: boolean
  /** The IPv4 addresses of a host name. @throws when it has none */
  resolve: (name: string) => Promise<readonly IPv4Address[]>
  /** A write was not sent, because another leads. */
  writeRefused?: () => void
  /** How the agents' Deployments are made; without it none are. */
  agents?: AgentSettings | undefined
}

export interface ControllerReplica {
  readonly system: ActorSystem
  isLeading(): boolean
  /** What it tells in metrics: only the leader does, so that a sum over all replicas is a sum over all pools. */
  pools(): readonly KubeObject[]
  ready(): Readiness
  stop(): Promise<void>
}

export const COMPONENT = 'managed-dhcp-controller'

/** One replica of the controller, made of parts that talk to the outside: it watches, and acts while it leads. */
export function startControllerReplica(options: ControllerReplicaOptions): ControllerReplica {
  const { store, transport, random, log, host, agents } = options
  // Rests must not be cut short because somebody sets the clock (law 1).
  const clock = createCautiousClock({ wall: options.clock, monotonic: options.monotonicClock })
  const isLeading = () => leadership.isLeading()
  const fenced = createFencedStore(store, () => {
    const mayWrite = isLeading()
    if (!mayWrite) options.writeRefused?.()
    return mayWrite
  })
  const system = startActorSystem({ name: 'controller', log, clock, random })
  const events = { clock: options.clock, random, log, component: COMPONENT, instance: host }
  const recorder = createEventRecorder({ ...events, store: fenced })
  // A standby has one thing to tell: that it is one now.
  const electionRecorder = createEventRecorder({ ...events, store })
  const controller = startController({
    system,
    store: fenced,
    transport: transportWhileLeading(transport, isLeading),
    recorder,
    resolve: options.resolve,
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
        store: options.leaseStore,
        namespace: options.namespace,
        host,
        recorder: electionRecorder,
        clock: options.monotonicClock,
        wallClock: options.clock,
        random,
        log,
      })
    : leadAlone(terms)
  // Who cannot read what it would have to act on must not keep others from it.
  let isStopped = false
  void controller.whenSynced().then(() => {
    if (!isStopped) leadership.start()
  })
  return {
    system,
    isLeading,
    pools: () => (isLeading() ? controller.pools() : []),
    ready: controller.ready,
    async stop() {
      isStopped = true
      await leadership.stop()
      await controller.stop()
      await Promise.all([recorder.close(), electionRecorder.close()])
      await system.stopAll()
    },
  }
}
