import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, vi } from 'vitest'
import { startAgentActor } from '../../../actors/agent/actor.ts'
import { openStateFile } from '../../../actors/agent/state-file.ts'
import { startActorSystem } from '../../../actors/system.ts'
import type { IPPool } from '../../../src/api/ippool.ts'
import { ipPoolSchema } from '../../../src/api/ippool.ts'
import type { KubeObject } from '../../../src/api/object.ts'
import {
  IP_POOLS,
  NETWORK_ATTACHMENT_DEFINITIONS,
  type Resource,
  VIRTUAL_MACHINES,
  VM_NETWORK_CONFIGS,
} from '../../../src/api/resource.ts'
import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { parseObjectKey } from '../../../src/api/values/object-key.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { type VmNetworkConfig, vmNetworkConfigSchema } from '../../../src/api/vm-network-config.ts'
import { openEmbeddedApi } from '../../../src/embedded/embedded-api.ts'
import { createEventRecorder, type EventRecorder } from '../../../src/kube/event-recorder.ts'
import type { Store } from '../../../src/kube/store.ts'
import { type Controller, startController } from '../../../src/processes/controller/controller.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import type { Transport } from '../../../transports/messages/transport.ts'
import { createMemorySegment, type MemorySegment } from '../../../transports/packets/memory.ts'

/** Opens one more connection to the message bus under test. */
export type OpenTransport = () => Transport | Promise<Transport>

const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
const parts = { clock: systemClock, random: systemRandom, log }

/** An API in memory, a message bus, and whatever parts of the system a test starts on them. */
export interface World {
  store: Store
  /** What the controller sees of the API: a test may put something in between. */
  through(change: (store: Store) => Store): void
  bus(): Promise<Transport>
  startController(record?: EventRecorder['record']): Promise<Controller & { end(): Promise<void> }>
  /** An agent actor on a segment in memory. */
  startAgent(pool: string, stateDirectory?: string): Promise<{ segment: MemorySegment; end(): Promise<void> }>
  create(resource: Resource, object: KubeObject): Promise<KubeObject>
  patch(
    resource: Resource,
    name: string,
    body: Record<string, unknown>,
    status?: boolean,
  ): Promise<KubeObject>
  remove(resource: Resource, name: string): Promise<void>
  pool(name?: string): Promise<IPPool>
  config(name: string): Promise<VmNetworkConfig>
  exists(resource: Resource, name: string): Promise<boolean>
}

export async function openWorld(openTransport: OpenTransport): Promise<World> {
  const api = await openEmbeddedApi(parts)
  const closers: (() => unknown)[] = [() => api.close()]
  onTestFinished(async () => {
    for (const close of closers.reverse()) await close()
  })
  const { store } = api
  let seen = store

  async function bus(): Promise<Transport> {
    const transport = await openTransport()
    closers.push(() => transport.close())
    await vi.waitFor(() => expect(transport.connected()).toBe(true), 10_000)
    return transport
  }

  return {
    store,
    bus,
    through(change) {
      seen = change(store)
    },
    async startController(record) {
      const transport = await bus()
      const system = startActorSystem({ ...parts, name: 'controller' })
      const written = createEventRecorder({ ...parts, store: seen, component: 'test', instance: 'test' })
      const recorder = record === undefined ? written : { ...written, record }
      const resolve = async (name: string) => {
        if (name === 'pool.ntp.org') return [parseIPv4Address('162.159.200.1')]
        throw new Error(`${name} does not resolve`)
      }
      const controller = startController({ ...parts, system, store: seen, transport, recorder, resolve })
      const end = async () => {
        controller.stop()
        await written.close()
        await system.stopAll(seconds(0))
      }
      closers.push(end)
      await vi.waitFor(() => expect(controller.ready()).toEqual({ ok: true, reasons: [] }), 10_000)
      return { ...controller, end }
    },
    async startAgent(pool, stateDirectory) {
      const directory = stateDirectory ?? (await mkdtemp(path.join(tmpdir(), 'mdhcp-agent-')))
      closers.push(() => rm(directory, { recursive: true, force: true }))
      const transport = await bus()
      const system = startActorSystem({ ...parts, name: 'agent' })
      const segment = createMemorySegment()
      const packets = segment.attach({ port: 67, address: parseIPv4Address('192.168.48.77'), log })
      const key = parseObjectKey(pool)
      const agent = await startAgentActor({
        ...parts,
        pool: key,
        pod: { namespace: 'harvester-system', name: `${key.namespace}-${key.name}-agent` },
        system,
        store,
        transport,
        packets,
        file: openStateFile(directory, key, log),
      })
      const end = async () => {
        await agent.stop()
        await packets.close()
        await system.stopAll(seconds(0))
      }
      closers.push(end)
      return { segment, end }
    },
    create: (resource, object) => store.create(resource, object),
    patch: (resource, name, body, status = false) =>
      store.patch(resource, inDefault(name), { type: 'merge', body }, status ? 'status' : undefined),
    remove: (resource, name) => store.delete(resource, inDefault(name)),
    pool: async (name = 'net-48') => ipPoolSchema.parse(await store.get(IP_POOLS, inDefault(name))),
    config: async (name) => vmNetworkConfigSchema.parse(await store.get(VM_NETWORK_CONFIGS, inDefault(name))),
    exists: (resource, name) =>
      store.get(resource, inDefault(name)).then(
        () => true,
        () => false,
      ),
  }
}

/** Waits until what is asserted is so; the systems under test have no part that polls slower than this. */
export function eventually<T>(assertion: () => Promise<T>, timeout = 15_000): Promise<T> {
  return vi.waitFor(assertion, { timeout, interval: 25 })
}

export function network(name = 'net-48'): KubeObject {
  return { metadata: { name, namespace: 'default' }, spec: { config: '{"type":"bridge","ipam":{}}' } }
}

export function pool(name = 'net-48', ipv4: Record<string, unknown> = {}): KubeObject {
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      ipv4Config: {
        serverIP: '192.168.48.77',
        cidr: '192.168.48.0/24',
        pool: { start: '192.168.48.81', end: '192.168.48.90', exclude: ['192.168.48.81', '192.168.48.90'] },
        router: '192.168.48.1',
        dns: ['1.1.1.1'],
        leaseTime: 300,
        ...ipv4,
      },
      networkName: 'default/net-48',
    },
  }
}

export interface Nic {
  mac?: string
  network?: string
  state?: string
}

export function vmSpec(nics: Record<string, Nic>) {
  const interfaces = Object.entries(nics).map(([name, { mac, state }]) => ({
    name,
    bridge: {},
    ...(mac === undefined ? {} : { macAddress: mac }),
    ...(state === undefined ? {} : { state }),
  }))
  const networks = Object.entries(nics).map(([name, nic]) => ({
    name,
    multus: { networkName: nic.network ?? 'default/net-48' },
  }))
  return { template: { spec: { domain: { devices: { interfaces } }, networks } } }
}

export function vm(
  name: string,
  nics: Record<string, Nic>,
  annotations: Record<string, string> = {},
): KubeObject {
  return { metadata: { name, namespace: 'default', annotations }, spec: vmSpec(nics) }
}

export const RESOURCES = {
  pools: IP_POOLS,
  networks: NETWORK_ATTACHMENT_DEFINITIONS,
  vms: VIRTUAL_MACHINES,
  configs: VM_NETWORK_CONFIGS,
}

function inDefault(name: string) {
  return { namespace: 'default', name }
}
