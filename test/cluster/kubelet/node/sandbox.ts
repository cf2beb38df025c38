import { formatObjectKey } from '../../../../src/api/values/object-key.ts'
import { createNamespace, type NetworkNamespace } from '../../../../src/lab/namespace.ts'
import { NETWORKS_ANNOTATION, type NetworkSelection, parseNetworkSelections } from '../spec/multus.ts'
import type { Pod } from '../spec/pod-schema.ts'
import type { NodeContext } from './context.ts'

/** The network of a pod. */
export interface Sandbox {
  readonly namespace: NetworkNamespace
  /** Of eth0. */
  readonly address: string
}

/** As Multus says it. */
export class NetworkNotFoundError extends Error {
  override readonly name = 'NetworkNotFoundError'
}

/** @throws NetworkNotFoundError @throws NetworkSelectionError */
export async function createSandbox(pod: Pod, context: NodeContext): Promise<Sandbox> {
  const { name, namespace: podNamespace, annotations } = pod.metadata
  const selections = parseNetworkSelections(annotations?.[NETWORKS_ANNOTATION], podNamespace)
  for (const selection of selections) await checkNetwork(selection, context)
  const namespace = await createNamespace(`${podNamespace}/${name}`)
  try {
    const address = await context.podNetwork.attach(namespace)
    for (const { network, interfaceName } of selections) {
      await context.networks.plugIn(formatObjectKey(network), namespace, interfaceName)
    }
    return { namespace, address }
  } catch (error) {
    await namespace.close()
    throw error
  }
}

async function checkNetwork({ network }: NetworkSelection, context: NodeContext): Promise<void> {
  const key = formatObjectKey(network)
  if (!(await context.api.hasNetwork(network))) {
    throw new NetworkNotFoundError(
      `cannot find a network-attachment-definition (${network.name}) in namespace (${network.namespace}): ` +
        `network-attachment-definitions.k8s.cni.cncf.io "${network.name}" not found`,
    )
  }
  if (context.lacksNetwork(key)) {
    throw new NetworkNotFoundError(`error adding pod to network ${key}: there is no such bridge on this node`)
  }
}
