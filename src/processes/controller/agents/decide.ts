import { isConditionTrue } from '../../../api/condition.ts'
import { describeProblems } from '../../../api/field-problem.ts'
import { type IPPool, NETWORK_POOL_NAME_LABEL, NETWORK_POOL_NAMESPACE_LABEL } from '../../../api/ippool.ts'
import type { KubeObject } from '../../../api/object.ts'
import { parsePoolConfiguration } from '../../../api/pool-configuration.ts'
import { formatObjectKey, type ObjectKey, sameObjectKey } from '../../../api/values/object-key.ts'
import {
  type AgentSettings,
  type AgentSite,
  agentDeployment,
  type Deployment,
  movedDeployment,
  SITE_HASH_ANNOTATION,
  siteHash,
  TEMPLATE_HASH_ANNOTATION,
  templateHash,
} from './deployment.ts'
import { differenceFrom } from './difference.ts'
import { hashedAgentName, plainAgentName } from './names.ts'

export const HOLD_ANNOTATION = 'network.harvesterhci.io/hold-ippool-agent-upgrade'

/** What the watches know of one pool and its agent. */
export interface Seen {
  key: ObjectKey
  /** Undefined when it is gone. */
  pool: IPPool | undefined
  /** The network that the pool names; undefined when there is none. */
  network: KubeObject | undefined
  /** The Deployments of this pool's agent: one, unless something went wrong. */
  own: readonly Deployment[]
  /** Who has a name already, in the system namespace. */
  isTaken: (name: string) => boolean
  /** The API server made of our last write what is there now: what differs was changed on its behalf. */
  isAsWritten: (deployment: Deployment) => boolean
}

export type AgentAction =
  | { type: 'create'; deployment: Deployment; nameTaken: string | undefined }
  | { type: 'update'; current: Deployment; deployment: Deployment; why: string }
  | { type: 'delete'; deployment: Deployment; why: string }
  /** `held`: a newer template waits for the annotation to go. `problem`: somebody must act, as `why` says. */
  | { type: 'none'; held: boolean; why: string | undefined; problem: string | undefined }

/** The one next step towards the agent that a pool should have; none when it is there. */
export function decideAgent(seen: Seen, settings: AgentSettings): AgentAction {
  const { pool, own } = seen
  const [current, ...surplus] = byAge(own)
  // Its name is taken until it is gone.
  if (own.some(({ metadata }) => metadata.deletionTimestamp !== undefined)) {
    return nothing('its Deployment is being deleted')
  }
  const [extra] = surplus
  if (extra !== undefined) return { type: 'delete', deployment: extra, why: 'the pool has another agent' }
  const end = whyNoAgent(pool)
  if (end !== undefined) {
    return current === undefined ? nothing(end) : { type: 'delete', deployment: current, why: end }
  }
  const site = pool === undefined ? undefined : siteOf(seen.key, pool, seen.network)
  // What serves goes on serving while an edit makes no sense: the VMs need their leases.
  if (site === undefined || 'problem' in site) return nothing(site?.problem)
  return current === undefined ? creation(seen, site, settings) : change(seen, current, site, settings)
}

/** Why there is to be no agent; undefined when there is to be one. */
function whyNoAgent(pool: IPPool | undefined): string | undefined {
  if (pool === undefined) return 'the IPPool does not exist any more'
  if (pool.spec.paused) return 'the IPPool is paused'
  // Two agents would answer a network's clients with two addresses.
  const refused = pool.status?.conditions?.find(
    ({ type, status, reason }) => type === 'Registered' && status === 'False' && reason === 'NetworkInUse',
  )
  return refused === undefined ? undefined : 'another IPPool serves the network'
}

function siteOf(
  key: ObjectKey,
  pool: IPPool,
  network: KubeObject | undefined,
): AgentSite | { problem: string } {
  const parsed = parsePoolConfiguration(pool)
  if (!parsed.ok) return { problem: `the spec is invalid: ${describeProblems(parsed.problems)}` }
  const { configuration } = parsed
  if (network === undefined) {
    const name = formatObjectKey(configuration.network)
    return { problem: `there is no NetworkAttachmentDefinition ${name}` }
  }
  if (!isRegistered(key, pool, network)) {
    return { problem: 'the network is not registered with this IPPool yet' }
  }
  return {
    pool: key,
    network: configuration.network,
    clusterNetwork: network.metadata.labels?.['network.harvesterhci.io/clusternetwork'] || undefined,
    serverAddress: configuration.serverAddress,
    prefixLength: configuration.subnet.prefixLength,
  }
}

/** The network itself says whose it is; a condition may still speak of the network that the spec named before. */
function isRegistered(key: ObjectKey, { status }: IPPool, { metadata }: KubeObject): boolean {
  const { [NETWORK_POOL_NAMESPACE_LABEL]: namespace, [NETWORK_POOL_NAME_LABEL]: name } = metadata.labels ?? {}
  if (namespace === undefined || name === undefined) return isConditionTrue(status?.conditions, 'Registered')
  return sameObjectKey({ namespace, name }, key)
}

function creation(seen: Seen, site: AgentSite, settings: AgentSettings): AgentAction {
  const plain = plainAgentName(seen.key)
  const hashed = hashedAgentName(seen.key)
  const isPlainTaken = plain !== undefined && seen.isTaken(plain)
  const name = plain === undefined || isPlainTaken ? hashed : plain
  if (name === hashed && seen.isTaken(hashed)) return nothing(nameTaken(hashed), 'AgentNameTaken')
  return {
    type: 'create',
    deployment: agentDeployment(name, site, settings),
    nameTaken: isPlainTaken ? plain : undefined,
  }
}

function nameTaken(name: string): string {
  return `a Deployment ${name} is there that is no agent of this IPPool; delete or rename it`
}

function change(seen: Seen, current: Deployment, site: AgentSite, settings: AgentSettings): AgentAction {
  const { name, annotations = {} } = current.metadata
  const wanted = agentDeployment(name, site, settings)
  // A selector can never be changed.
  if (differenceFrom(current.spec.selector, wanted.spec.selector) !== undefined) {
    return { type: 'delete', deployment: current, why: 'it selects other pods than it should' }
  }
  const isOutdated = annotations[TEMPLATE_HASH_ANNOTATION] !== templateHash(settings)
  const isHeld = isOutdated && seen.pool?.metadata.annotations?.[HOLD_ANNOTATION] === 'true'
  const deployment = isHeld ? movedDeployment(current, site) : wanted
  if (isOutdated && !isHeld) return { type: 'update', current, deployment, why: 'its template changed' }
  if (annotations[SITE_HASH_ANNOTATION] !== siteHash(site)) {
    return { type: 'update', current, deployment, why: 'server address or network changed' }
  }
  const difference = seen.isAsWritten(current) ? undefined : differenceIn(current, deployment)
  if (difference !== undefined) {
    return { type: 'update', current, deployment, why: `somebody changed ${difference}` }
  }
  return { type: 'none', held: isHeld, why: undefined, problem: undefined }
}

/** Defaults of the API server and what others add, such as `kubectl rollout restart`, are no difference. */
function differenceIn(current: Deployment, wanted: Deployment): string | undefined {
  return (
    differenceFrom(current.spec, wanted.spec, 'spec') ??
    differenceFrom(current.metadata.labels, wanted.metadata.labels, 'metadata.labels')
  )
}

function byAge(deployments: readonly Deployment[]): Deployment[] {
  const age = ({ metadata }: Deployment) => `${metadata.creationTimestamp} ${metadata.name}`
  return [...deployments].sort((a, b) => (age(a) < age(b) ? -1 : 1))
}

function nothing(why: string | undefined, problem?: string): AgentAction {
  return { type: 'none', held: false, why, problem }
}
