import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { type PoolActor, startPoolActor } from '../../../actors/pool/actor.ts'
import { configsOnNetwork, createDemandReader } from '../../../actors/pool/demand.ts'
import type { Remains } from '../../../actors/pool/remains.ts'
import type { ActorSystem } from '../../../actors/system.ts'
import { startVmActor, type VmActor } from '../../../actors/vm/actor.ts'
import type { Transport } from '../../../transports/messages/transport.ts'
import type { KubeObject } from '../../api/object.ts'
import { IP_POOLS, type Resource } from '../../api/resource.ts'
import type { IPv4Address } from '../../api/values/ipv4-address.ts'
import { formatObjectKey, type ObjectKey } from '../../api/values/object-key.ts'
import type { EventRecorder } from '../../kube/event-recorder.ts'
import { keyOf } from '../../kube/object-cache.ts'
import type { Store } from '../../kube/store.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { AgentReconciler } from './agents/reconciler.ts'
import { type ControllerInformers, MACHINES_BY_NETWORK, servedBy, type WatchedKind } from './informers.ts'
import { observeVm } from './observe-vm.ts'
import { createTermClock } from './term-clock.ts'

/** What everything that runs only while this process leads is made of. */
export interface TermParts {
  /** Have all listed once, and outlive the term. */
  informers: ControllerInformers
  store: Store
  transport: Transport
  recorder: EventRecorder
  /** Its timers end with the term. */
  clock: Clock
  random: Random
  log: Logger
}

/** @param changed what `deploymentOf` says of a pool changed */
export type StartAgents = (parts: TermParts, changed: (pool: ObjectKey) => void) => AgentReconciler

export interface TermOptions extends TermParts {
  system: ActorSystem
  resolve: (name: string) => Promise<readonly IPv4Address[]>
  /** Keeps the agents' Deployments; undefined where agents are no pods. */
  startAgents?: StartAgents | undefined
}

/** The time in which this process leads: one pool actor for each IPPool, one vm actor for each VM, and the agents' Deployments. */
export interface Term {
  changed(
    kind: WatchedKind,
    key: ObjectKey,
    object: KubeObject | undefined,
    previous: KubeObject | undefined,
  ): void
  /** Why it cannot do all of its work. */
  problems(): readonly string[]
  /** The actors are gone when this returns; resolves when what was under way for the agents has come to its end. */
  stop(): Promise<void>
}

export function startTerm(options: TermOptions): Term {
  const { informers, system, store, transport, recorder, resolve, random, log } = options
  const clock = createTermClock(options.clock)
  const demand = createDemandReader({ store, configs: informers.configs })
  const pools = new Map<string, PoolActor>()
  /** By network: what the last pool there left behind. */
  const remains = new Map<string, Remains>()
  const vms = new Map<string, VmActor>()

  function startPool(key: ObjectKey, pool: KubeObject): PoolActor {
    const [network = ''] = servedBy(pool).networks
    return startPoolActor({
      key,
      remains: remains.get(network),
      system,
      store,
      transport,
      clock,
      log,
      demand,
      resolve,
      agentDeployment: () => agents?.deploymentOf(key),
      record: (pool, type, reason, message) =>
        recorder.record(subjectOf(IP_POOLS, pool), { type, reason, message }),
      nudge(whom, scope) {
        const keys =
          'owners' in whom ? whom.owners : configsOnNetwork(informers.configs, whom.network).map(keyOf)
        for (const owner of keys) vms.get(formatObjectKey(owner))?.nudge(scope)
      },
    })
  }

  function startVm(key: ObjectKey): VmActor {
    return startVmActor({
      key,
      system,
      store,
      transport,
      clock,
      random,
      log,
      observe: () => observeVm(informers, key),
      record: ({ resource, object }, type, reason, message) =>
        recorder.record(subjectOf(resource, object), { type, reason, message }),
      finished() {
        vms.get(formatObjectKey(key))?.stop()
        vms.delete(formatObjectKey(key))
      },
    })
  }

  function poolChanged(key: ObjectKey, pool: KubeObject | undefined): void {
    const name = formatObjectKey(key)
    const actor = pools.get(name)
    if (pool !== undefined && actor === undefined) pools.set(name, startPool(key, pool))
    else if (pool !== undefined) actor?.poolChanged(pool.metadata.resourceVersion)
    else {
      const left = actor?.stop()
      pools.delete(name)
      if (left !== undefined) remains.set(formatObjectKey(left.network), left)
    }
  }

  function vmChanged(key: ObjectKey): void {
    const name = formatObjectKey(key)
    const actor = vms.get(name)
    if (actor !== undefined) actor.changed()
    // A new actor looks by itself.
    else if (informers.machines.get(key) ?? informers.configs.get(key)) vms.set(name, startVm(key))
  }

  /** A pool came, went, changed its network or was registered: who serves the VMs there may have changed. */
  function servingChanged(pool: KubeObject | undefined, previous: KubeObject | undefined): void {
    const before = previous === undefined ? undefined : servedBy(previous)
    const now = pool === undefined ? undefined : servedBy(pool)
    if (isDeepStrictEqual(before, now)) return
    for (const network of new Set([...(before?.networks ?? []), ...(now?.networks ?? [])])) {
      for (const machine of informers.machines.byIndex(MACHINES_BY_NETWORK, network))
        vmChanged(keyOf(machine))
      for (const config of informers.configs.byIndex('network', network)) vmChanged(keyOf(config))
    }
  }

  function networkChanged(key: ObjectKey): void {
    for (const pool of informers.pools.byIndex('network', formatObjectKey(key))) {
      pools.get(formatObjectKey(keyOf(pool)))?.networkChanged()
    }
  }

  const agents = options.startAgents?.({ ...options, clock }, (pool) =>
    pools.get(formatObjectKey(pool))?.agentChanged(),
  )
  for (const pool of informers.pools.list()) poolChanged(keyOf(pool), pool)
  for (const informer of [informers.machines, informers.configs]) {
    for (const object of informer.list()) vmChanged(keyOf(object))
  }
  log.info({ pools: pools.size, vms: vms.size }, 'controller started')

  return {
    changed(kind, key, object, previous) {
      if (kind === 'pools') {
        poolChanged(key, object)
        servingChanged(object, previous)
        agents?.poolChanged(key)
      } else if (kind === 'networks') {
        networkChanged(key)
        agents?.networkChanged(key)
      } else vmChanged(key)
    },
    problems: () => agents?.ready().reasons ?? [],
    async stop() {
      for (const actor of [...vms.values(), ...pools.values()]) actor.stop()
      vms.clear()
      pools.clear()
      clock.end()
      await agents?.stop()
    },
  }
}

function subjectOf(resource: Resource, { metadata }: KubeObject) {
  const { namespace = '', name, uid, resourceVersion } = metadata
  return { resource, namespace, name, uid, resourceVersion }
}
