import * as z from 'zod'
import { type ObjectKey, parseObjectKey } from '../../../../src/api/values/object-key.ts'

export const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks'

/** One more interface that a pod asks for. */
export interface NetworkSelection {
  readonly network: ObjectKey
  readonly interfaceName: string
}

/** The annotation cannot be read. */
export class NetworkSelectionError extends Error {
  override readonly name = 'NetworkSelectionError'
}

const elements = z.array(
  z.strictObject({
    name: z.string(),
    namespace: z.string().optional(),
    interface: z.string().optional(),
  }),
)

/**
 * Reads `k8s.v1.cni.cncf.io/networks` as Multus does: a JSON list, or `namespace/name@interface` with commas between.
 * Interfaces without a name are net1, net2, …
 * @throws NetworkSelectionError
 */
export function parseNetworkSelections(text: string | undefined, namespace: string): NetworkSelection[] {
  if (text === undefined || text.trim() === '') return []
  const parts = text.trim().startsWith('[') ? fromJson(text) : text.split(',').map(fromShortForm)
  return parts.map(({ name, interfaceName }, index) => ({
    network: keyOf(name, namespace),
    interfaceName: interfaceName ?? `net${index + 1}`,
  }))
}

interface Part {
  readonly name: string
  readonly interfaceName: string | undefined
}

function fromJson(text: string): Part[] {
  try {
    return elements.parse(JSON.parse(text)).map((element) => ({
      name: element.namespace === undefined ? element.name : `${element.namespace}/${element.name}`,
      interfaceName: element.interface,
    }))
  } catch (cause) {
    throw new NetworkSelectionError(`${NETWORKS_ANNOTATION} cannot be read: ${text}`, { cause })
  }
}

function fromShortForm(text: string): Part {
  const [name = '', interfaceName] = text.trim().split('@')
  return { name, interfaceName }
}

function keyOf(name: string, namespace: string): ObjectKey {
  try {
    return parseObjectKey(name, namespace)
  } catch (cause) {
    throw new NetworkSelectionError(`${NETWORKS_ANNOTATION} names no network: "${name}"`, { cause })
  }
}
