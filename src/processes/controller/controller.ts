import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { type PoolActor, startPoolActor } from '../../../actors/pool/actor.ts'
import { configsOnNetwork, createDemandReader } from '../../../actors/pool/demand.ts'
import type { ActorSystem } from '../../../actors/system.ts'
import { startVmActor, type VmActor } from '../../../actors/vm/actor.ts'
import type { Transport } from '../../../transports/messages/transport.ts'
import type { KubeObject } from '../../api/object.ts'
import { IP_POOLS, type Resource, VM_NETWORK_CONFIGS } from '../../api/resource.ts'
import type { IPv4Address } from '../../api/values/ipv4-address.ts'
import { formatObjectKey, type ObjectKey } from '../../api/values/object-key.ts'
import type { EventRecorder } from '../../kube/event-recorder.ts'
import { keyOf } from '../../kube/object-cache.ts'
import type { Store } from '../../kube/store.ts'
import type { Readiness } from '../../observe/health.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { all, createControllerInformers, MACHINES_BY_NETWORK, servedBy, whyNotHealthy } from './informers.ts'
import { observeVm } from './observe-vm.ts'

export interface ControllerOptions {
  system: ActorSystem
  store: Store
  transport: Transport
  recorder: EventRecorder
  resolve: (name: string) => Promise<readonly IPv4Address[]>
  clock: Clock
  random: Random
  log: Logger
}

export interface Controller {
  /** Every IPPool as the watch shows it, for metrics. */
  pools(): readonly KubeObject[]
  ready(): Readiness
  stop(): void
}

/**
 * One pool actor for each IPPool, one vm actor for each VirtualMachine or VirtualMachineNetworkConfig, told by the
 * watches when to look. Nothing is told before every watch has listed once: half a picture would look like deletions.
 */
export function startController(options: ControllerOptions): Controller {
  const { system, store, transport, recorder, resolve, clock, random, log } = options
  const informers = createControllerInformers({ store, clock, random, log })
  const demand = createDemandReader({ store, configs: informers.configs })
  const pools = new Map<string, PoolActor>()
  const vms = new Map<string, VmActor>()
  let isStarted = false
  let isStopped = false

  function startPool(key: ObjectKey): PoolActor {
    return startPoolActor({
      key,
      system,
      store,
      transport,
      clock,
      log,
      demand,
      resolve,
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
      record: (config, type, reason, message) =>
        recorder.record(subjectOf(VM_NETWORK_CONFIGS, config), { type, reason, message }),
      finished() {
        vms.get(formatObjectKey(key))?.stop()
        vms.delete(formatObjectKey(key))
      },
    })
  }

  function poolChanged(key: ObjectKey, pool: KubeObject | undefined): void {
    const name = formatObjectKey(key)
    const actor = pools.get(name)
    if (pool !== undefined && actor === undefined) pools.set(name, startPool(key))
    else if (pool !== undefined) actor?.poolChanged(pool.metadata.resourceVersion)
    else {
      actor?.stop()
      pools.delete(name)
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
  function networkServed(network: string): void {
    for (const machine of informers.machines.byIndex(MACHINES_BY_NETWORK, network)) vmChanged(keyOf(machine))
    for (const config of informers.configs.byIndex('network', network)) vmChanged(keyOf(config))
  }

  informers.pools.onChange((key, pool, previous) => {
    if (!isStarted) return
    poolChanged(key, pool)
    const before = previous === undefined ? undefined : servedBy(previous)
    const now = pool === undefined ? undefined : servedBy(pool)
    if (isDeepStrictEqual(before, now)) return
    const networks = new Set([...(before?.networks ?? []), ...(now?.networks ?? [])])
    for (const network of networks) networkServed(network)
  })
  for (const informer of [informers.configs, informers.machines, informers.instances]) {
    informer.onChange((key) => {
      if (isStarted) vmChanged(key)
    })
  }
  informers.networks.onChange((key) => {
    if (!isStarted) return
    for (const pool of informers.pools.byIndex('network', formatObjectKey(key))) {
      pools.get(formatObjectKey(keyOf(pool)))?.networkChanged()
    }
  })

  for (const [, informer] of all(informers)) informer.start()
  void Promise.all(all(informers).map(([, informer]) => informer.whenSynced())).then(() => {
    if (isStopped) return
    isStarted = true
    for (const pool of informers.pools.list()) poolChanged(keyOf(pool), pool)
    for (const informer of [informers.machines, informers.configs]) {
      for (const object of informer.list()) vmChanged(keyOf(object))
    }
    log.info({ pools: pools.size, vms: vms.size }, 'controller started')
  })

  return {
    pools: () => informers.pools.list(),
    ready() {
      const reasons = whyNotHealthy(informers, clock.now())
      if (!transport.connected()) reasons.push('messages: not connected')
      return { ok: reasons.length === 0, reasons }
    },
    stop() {
      isStopped = true
      isStarted = false
      for (const [, informer] of all(informers)) informer.stop()
      for (const actor of [...vms.values(), ...pools.values()]) actor.stop()
    },
  }
}

function subjectOf(resource: Resource, { metadata }: KubeObject) {
  const { namespace = '', name, uid, resourceVersion } = metadata
  return { resource, namespace, name, uid, resourceVersion }
}
