import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pino, { type Logger } from 'pino'
import { type Duration, milliseconds, seconds } from '../../../src/api/values/time.ts'
import { createEventRecorder } from '../../../src/kube/event-recorder.ts'
import { createInformer } from '../../../src/kube/informer.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { ApiLink } from './node/context.ts'
import { type EmulatedNode, NodeWithKubelet } from './node/emulated-node.ts'
import { createKubeletApi } from './node/kubelet-api.ts'
import { ENDPOINT_SLICES, PODS } from './node/resources.ts'
import { type AttachedNetwork, Networks } from './runtime/networks.ts'
import { createPodNetwork, GATEWAY } from './runtime/pod-network.ts'
import { type EndpointSlice, endpointSliceSchema } from './spec/hosts-file.ts'
import type { ImageTable } from './spec/image.ts'

export interface KubeletsOptions {
  /** Of the control plane; `sharedControlPlane()` has all three. */
  readonly kubeconfig: string
  readonly port: number
  readonly images: ImageTable
  /** Default: errors, to stderr. */
  readonly log?: Logger
  /** Between two heart-beats. Default 1 s. */
  readonly heartbeat?: Duration
  /** After the second crash of a container, doubled with each one more. Default 0.2 s to 5 s. */
  readonly restartBackoff?: { readonly first: Duration; readonly longest: Duration }
}

export interface NodeOptions {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  /** NetworkAttachmentDefinitions (namespace/name) that work on this node. Default: all. */
  readonly networks?: readonly string[]
}

/** Nodes of a cluster whose kubelets, container runtime, CNI plug-ins, DNS and service network are emulated. */
export interface Kubelets {
  /** Registers the node; resolves when it is Ready and takes pods. A name that crashed boots again. */
  startNode(options: NodeOptions): Promise<EmulatedNode>
  readonly nodes: readonly EmulatedNode[]
  /** The network behind a NetworkAttachmentDefinition, by namespace/name. */
  network(key: string): AttachedNetwork
  /** Pulls the pod network's cable of the pod with this address, or plugs it in again; other networks stay. */
  setConnected(podAddress: string, isConnected: boolean): Promise<void>
  /** What every container printed, for people. */
  allLogs(): string
  /** Ends every container, network and client. */
  close(): Promise<void>
}

const FIRST_NODE = 10
/** Sooner than kubelet's 30 s at most: all times are shorter here. */
const RECONNECT = { first: milliseconds(200), longest: seconds(2) }

/** In the network namespace of the control plane, which pods reach at 10.244.0.1. Once at a time. */
export async function startKubelets(options: KubeletsOptions): Promise<Kubelets> {
  const clock = systemClock
  const log = options.log ?? pino({ level: 'error' }, pino.destination(2))
  const api = createKubeletApi({ kubeconfig: options.kubeconfig, clock, log })
  const shared = { store: api.store, clock, random: systemRandom, log }
  const pods = createInformer({ ...shared, resource: PODS, backoff: RECONNECT })
  const slices = createInformer({ ...shared, resource: ENDPOINT_SLICES, backoff: RECONNECT })
  const podNetwork = await createPodNetwork()
  const networks = new Networks()
  const folder = mkdtempSync('/dev/shm/kubelets-')
  const nodes: NodeWithKubelet[] = []
  let endpointSlices: readonly EndpointSlice[] = []

  pods.onChange((_key, object, previous) => {
    for (const node of nodes) node.podChanged(object, previous)
  })
  slices.onChange(() => {
    endpointSlices = slices.list().map((object) => endpointSliceSchema.parse(object))
    for (const node of nodes) node.endpointsChanged()
  })
  pods.start()
  slices.start()
  await Promise.all([pods.whenSynced(), slices.whenSynced()])

  return {
    nodes,
    network: (key) => networks.get(key),
    setConnected: (podAddress, isConnected) => podNetwork.setConnected(podAddress, isConnected),
    allLogs: () => nodes.map((node) => node.allLogs()).join('\n'),
    async startNode({ name, labels = {}, networks: attached }) {
      const address = `10.244.0.${FIRST_NODE + nodes.length}`
      const context = {
        nodeName: name,
        nodeAddress: address,
        api,
        events: createEventRecorder({ ...shared, component: 'kubelet', instance: name }),
        images: options.images,
        podNetwork,
        networks,
        lacksNetwork: (key: string) => attached !== undefined && !attached.includes(key),
        folder: join(folder, name),
        apiServer: { host: GATEWAY, port: options.port },
        restartBackoff: options.restartBackoff ?? { first: milliseconds(200), longest: seconds(5) },
        clock,
        log: log.child({ node: name }),
        endpointSlices: () => endpointSlices,
        link: new ApiLink(),
      }
      const period = options.heartbeat ?? seconds(1)
      const node = new NodeWithKubelet(
        context,
        { name, address, labels },
        { period, listPods: () => pods.list() },
      )
      nodes.push(node)
      await node.start()
      return node
    },
    async close() {
      pods.stop()
      slices.stop()
      await Promise.all(nodes.map((node) => node.stop()))
      await networks.close()
      await podNetwork.close()
      api.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
