import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { isConditionTrue } from '../../../src/api/condition.ts'
import { type IPPool, ipPoolSchema } from '../../../src/api/ippool.ts'
import type { KubeObject } from '../../../src/api/object.ts'
import { IP_POOLS, NETWORK_ATTACHMENT_DEFINITIONS } from '../../../src/api/resource.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { writeKubeconfig } from '../../../src/embedded/kubeconfig.ts'
import { createKubeStore, type KubeStore } from '../../../src/kube/client.ts'
import type { NetworkNamespace } from '../../../src/lab/namespace.ts'
import { createLabNetwork, type LabNetwork } from '../../../src/lab/network.ts'
import { checkLabRights } from '../../../src/lab/tools.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { network } from '../../e2e/support/manifests.ts'
import type { Cable } from './management-network.ts'
import type { Part } from './part.ts'

export const NIC = 'eth1'
export const POOL = { namespace: 'default', name: 'net-48' }
/**
 * Short, so that clients that are left alone renew; udhcpc takes none that is shorter. Longer than any fault lasts: a
 * client that loses its lease was let down.
 */
export const LEASE_SECONDS = 30

/** The product, with a network of machines that it serves. */
export interface World {
  readonly machines: LabNetwork
  /** Where the agent is; disks that are mounted there are seen by nobody else. */
  readonly server: NetworkNamespace
  readonly parts: ReadonlyMap<string, Part>
  /** Where the processes keep what they keep. */
  readonly folder: string
  /** For looking on and for being a user: no fault but that of the API itself touches it. */
  readonly store: KubeStore
  pool(): Promise<IPPool>
  close(): Promise<void>
}

/** What both ways of running the product need. */
export interface Ground {
  /** Where the agent is, on the machines' network. */
  readonly server: NetworkNamespace
  readonly machines: LabNetwork
  /** A folder of the host that is removed at the end. */
  readonly folder: string
  /** What the agent says to clients: cut, it hears them still, and sends, and nothing arrives. */
  readonly answers: Cable
  close(): Promise<void>
}

export async function prepareGround(): Promise<Ground> {
  await checkLabRights()
  const folder = await mkdtemp(join(tmpdir(), 'mdhcp-faults-'))
  const machines = await createLabNetwork('machines')
  const { namespace: server } = await machines.addMachine('server', { interfaceName: NIC })
  return {
    server,
    machines,
    folder,
    answers: answersOf(server),
    async close() {
      await machines.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A queue without room in front of the interface: what is sent is gone, and the sender is told nothing. */
function answersOf(server: NetworkNamespace): Cable {
  return {
    cut: async () => {
      await server.exec('tc', ['qdisc', 'replace', 'dev', NIC, 'root', 'pfifo', 'limit', '0'])
    },
    mend: async () => {
      await server.exec('tc', ['qdisc', 'delete', 'dev', NIC, 'root'])
    },
  }
}

export interface PoolOptions {
  readonly leaseSeconds?: number
  /** How many addresses there are. */
  readonly capacity?: number
}

function poolManifest({ leaseSeconds = LEASE_SECONDS, capacity = 30 }: PoolOptions): KubeObject {
  return {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    metadata: POOL,
    spec: {
      networkName: 'default/net-48',
      ipv4Config: {
        serverIP: '192.168.48.2',
        cidr: '192.168.48.0/24',
        pool: { start: '192.168.48.101', end: `192.168.48.${100 + capacity}` },
        router: '192.168.48.1',
        dns: ['1.1.1.1'],
        leaseTime: leaseSeconds,
      },
    },
  }
}

/** Makes network and pool, and waits until the pool is served. */
export async function openWorld(
  ground: Ground,
  parts: readonly Part[],
  port: number,
  options: PoolOptions = {},
): Promise<World> {
  const kubeconfig = join(ground.folder, 'kubeconfig-of-the-test')
  await writeKubeconfig(kubeconfig, { url: `http://127.0.0.1:${port}` })
  const store = createKubeStore({
    kubeconfig,
    log: pino({ level: 'silent' }),
    clock: systemClock,
    requestTimeout: seconds(5),
    rateLimit: { requestsPerSecond: 10_000, burst: 10_000 },
  })
  const pool = async () => ipPoolSchema.parse(await store.get(IP_POOLS, POOL))
  await store.create(NETWORK_ATTACHMENT_DEFINITIONS, { ...network('net-48'), metadata: POOL })
  await store.create(IP_POOLS, poolManifest(options))
  await eventually(
    'the pool is served',
    async () => (isConditionTrue((await pool()).status?.conditions, 'AgentReady') ? true : undefined),
    { seconds: 60 },
  )
  return {
    machines: ground.machines,
    server: ground.server,
    folder: ground.folder,
    parts: new Map(parts.map((part) => [part.name, part])),
    store,
    pool,
    async close() {
      store.close()
      await Promise.all(parts.map((part) => part.kill()))
      await ground.close()
    },
  }
}
