import { type Duration, formatInstant, type Instant } from '../../../../src/api/values/time.ts'
import { AlreadyExistsError, NotFoundError } from '../../../../src/kube/errors.ts'
import type { Store } from '../../../../src/kube/store.ts'
import type { Clock } from '../../../../src/runtime/clock.ts'
import { LEASES, NODES } from './resources.ts'

export interface NodeDescription {
  readonly name: string
  readonly address: string
  readonly labels: Readonly<Record<string, string>>
}

const LEASE_NAMESPACE = 'kube-node-lease'
const LEASE_SECONDS = 40

/** Makes the Node and its Lease, or takes over those that are there. */
export async function registerNode(store: Store, node: NodeDescription, now: Instant): Promise<void> {
  const labels = {
    'kubernetes.io/hostname': node.name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    ...node.labels,
  }
  const key = { namespace: '', name: node.name }
  const metadata = { name: node.name, labels }
  try {
    await store.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata })
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error
    await store.patch(NODES, key, { type: 'merge', body: { metadata: { labels } } })
  }
  await beat(store, node, now)
}

/** One heart-beat: the Lease and the status. */
export async function beat(store: Store, node: NodeDescription, now: Instant): Promise<void> {
  await renewLease(store, node, now)
  const status = { type: 'merge', body: { status: nodeStatus(node, now) } } as const
  await store.patch(NODES, { namespace: '', name: node.name }, status, 'status')
}

/** Makes it where there is none, or none any more. */
async function renewLease(store: Store, { name }: NodeDescription, now: Instant): Promise<void> {
  const renewTime = new Date(now).toISOString().replace('Z', '000Z')
  try {
    const key = { namespace: LEASE_NAMESPACE, name }
    await store.patch(LEASES, key, { type: 'merge', body: { spec: { renewTime } } })
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    await store.create(LEASES, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: LEASE_NAMESPACE },
      spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
    })
  }
}

/** Beats until it is stopped; `failed` hears of what did not reach the API server. */
export function startHeartbeat(options: {
  period: Duration
  clock: Clock
  beat(now: Instant): Promise<void>
  failed(error: unknown): void
}): { stop(): Promise<void> } {
  const { clock, period } = options
  let isStopped = false
  let running: Promise<void> = Promise.resolve()
  let cancel = clock.after(period, next)
  function next(): void {
    running = options
      .beat(clock.now())
      .catch(options.failed)
      .then(() => {
        if (!isStopped) cancel = clock.after(period, next)
      })
  }
  return {
    async stop() {
      isStopped = true
      cancel()
      await running
    },
  }
}

function nodeStatus({ name, address }: NodeDescription, now: Instant): unknown {
  const resources = { cpu: '8', memory: '16Gi', pods: '110', 'ephemeral-storage': '50Gi' }
  const condition = (type: string, status: string, reason: string) => ({
    type,
    status,
    reason,
    message: '',
    lastHeartbeatTime: formatInstant(now),
  })
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID'),
      condition('Ready', 'True', 'KubeletReady'),
    ],
    nodeInfo: {
      machineID: name,
      systemUUID: name,
      bootID: name,
      kernelVersion: 'emulated',
      osImage: 'emulated',
      containerRuntimeVersion: 'emulated://1',
      kubeletVersion: 'v1.37.0-emulated',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  }
}
