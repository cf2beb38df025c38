import { createHash } from 'node:crypto'
import { NETWORK_POOL_NAME_LABEL, NETWORK_POOL_NAMESPACE_LABEL } from '../../../api/ippool.ts'
import type { KubeObject } from '../../../api/object.ts'
import { formatObjectKey, type ObjectKey, parseObjectKey } from '../../../api/values/object-key.ts'

/** The label of the add-on of old, by which agents are found. */
const AGENT_LABEL = 'network.harvesterhci.io/vm-dhcp-controller'
export const AGENT_SELECTOR = `${AGENT_LABEL}=agent`
/** The IPPool as "namespace/name", on Deployment and pods. What has no such annotation is not ours. */
export const POOL_ANNOTATION = 'network.harvesterhci.io/ippool'

/** Of label values (RFC 1123 label), and of Deployment names, so that what is derived from them is valid too. */
const LONGEST = 63
const SUFFIX = '-agent'

/** "default-net-48-agent"; undefined where that would be too long, or is no DNS label. */
export function plainAgentName({ namespace, name }: ObjectKey): string | undefined {
  const text = `${namespace}-${name}${SUFFIX}`
  // A pod's host name is made of it: no dots.
  return text.length <= LONGEST && !text.includes('.') ? text : undefined
}

/** The name of an agent whose plain name is taken or not to be had: always the same for the same pool. */
export function hashedAgentName(pool: ObjectKey): string {
  const start = `${pool.namespace}-${pool.name}`.replaceAll('.', '-')
  return `${shortened(start, LONGEST - SUFFIX.length, formatObjectKey(pool))}${SUFFIX}`
}

/** What a Deployment selects its pods by: it can never be changed. */
export function selectorLabels({ namespace, name }: ObjectKey): Record<string, string> {
  return {
    [AGENT_LABEL]: 'agent',
    [NETWORK_POOL_NAMESPACE_LABEL]: namespace,
    [NETWORK_POOL_NAME_LABEL]: name.length <= LONGEST ? name : shortened(name, LONGEST, name),
  }
}

export function agentLabels(pool: ObjectKey): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'managed-dhcp',
    'app.kubernetes.io/component': 'agent',
    'app.kubernetes.io/part-of': 'managed-dhcp',
    ...selectorLabels(pool),
  }
}

/** Whose agent this Deployment or pod is; undefined when it is none of ours. */
export function poolOf({ metadata }: KubeObject): ObjectKey | undefined {
  const text = metadata.annotations?.[POOL_ANNOTATION]
  if (text === undefined || metadata.labels?.[AGENT_LABEL] !== 'agent') return undefined
  try {
    return parseObjectKey(text)
  } catch {
    return undefined
  }
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function shortened(text: string, length: number, whole: string): string {
  const hash = shortHash(whole)
  return `${text.slice(0, length - hash.length - 1).replace(/[^a-z0-9]+$/, '')}-${hash}`
}
