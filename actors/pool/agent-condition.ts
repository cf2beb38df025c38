import type { ConditionValue } from '../../src/api/condition.ts'
import { isConditionTrue } from '../../src/api/condition.ts'
import type { IPPoolStatus } from '../../src/api/ippool.ts'
import { between, type Instant, seconds } from '../../src/api/values/time.ts'
import {
  AGENT_SILENCE,
  type AgentDeployment,
  type AgentPod,
  freshReport,
  type KnownAgent,
  newest,
  podOf,
  readyPod,
  servingPod,
} from './agent-pods.ts'
import type { PoolState } from './state.ts'

/** How long an agent may take to learn of a revision. */
const AGENT_LAG = seconds(5)

/**
 * AgentReady is True while an agent serves the current revision: by its own word for as long as it gives one.
 *
 * Without the broker there is the readiness probe of its pod, which asks the agent itself: it says yes while clients are
 * served, nothing newer was told that cannot be served, and the watch that tells of it is alive. So a pod that is ready
 * serves the current revision but for what is on its way. The probe names no revision: whoever said last to be behind
 * counts as behind, until the agent says otherwise, was unready in between, or another pod serves.
 */
export function agentCondition(state: PoolState, now: Instant): ConditionValue {
  const { pool, agent, deployment, invalid } = state
  if (pool?.spec.paused) return { status: false, reason: 'Paused', message: 'spec.paused is true' }
  if (invalid !== undefined) {
    const serves = servingPod(state, now) !== undefined
    const message = serves
      ? 'the agent goes on serving the last valid spec'
      : 'an agent starts when the spec is valid'
    return { status: false, reason: 'InvalidSpec', message }
  }
  const fresh = agent?.report.uid === pool?.metadata.uid ? freshReport(state, now) : undefined
  if (fresh?.report.serving) return servingCondition(fresh, pool?.status?.ipv4?.revision ?? 0)
  if (fresh !== undefined) {
    // Its own word is newer than what the probe of the same pod found some seconds ago.
    if (readyPod(withoutPodOf(deployment, fresh)) !== undefined) return { status: true }
    return { status: false, reason: fresh.report.reason, message: fresh.report.message }
  }
  const ready = readyPod(deployment)
  if (ready !== undefined) return wordOfBefore(state, ready) ?? { status: true }
  return deployment === undefined ? silence(state, now) : notStarted(state)
}

function servingCondition({ report, at, behind }: KnownAgent, revision: number): ConditionValue {
  if (behind === undefined || between(behind.since, at) <= AGENT_LAG) {
    return { status: true, message: report.message }
  }
  const why = report.message === undefined ? '' : `: ${report.message}`
  return {
    status: false,
    reason: 'AgentBehind',
    message: `the agent serves revision ${report.revision}, the pool is at ${revision}${why}`,
  }
}

function withoutPodOf(deployment: AgentDeployment | undefined, { report }: KnownAgent) {
  const own = podOf(deployment, report)
  return deployment && { ...deployment, pods: deployment.pods.filter((pod) => pod !== own) }
}

/** The status remembers who is behind, also for the next leader. */
function saidToBeBehind(pool: PoolState['pool']): ConditionValue | undefined {
  const said = pool?.status?.conditions?.find(({ type }) => type === 'AgentReady')
  if (said?.reason !== 'AgentBehind') return undefined
  return { status: false, reason: said.reason, message: said.message }
}

function wordOfBefore({ pool, agent }: PoolState, { namespace, name }: AgentPod): ConditionValue | undefined {
  const named = pool?.status?.agentPodRef
  const isNamed = named?.namespace === namespace && named.name === name
  return isNamed && !agent?.wasUnready ? saidToBeBehind(pool) : undefined
}

/** Agents that are no pods of ours: there is nothing but their word. */
function silence({ pool, agent, startedAt }: PoolState, now: Instant): ConditionValue {
  // A controller that has just started has not heard from anybody: that says nothing about the agent.
  if (agent === undefined && between(startedAt, now) <= AGENT_SILENCE) {
    if (isConditionTrue(pool?.status?.conditions, 'AgentReady')) return { status: true }
    const behind = saidToBeBehind(pool)
    if (behind !== undefined) return behind
  }
  if (agent === undefined || agent.report.uid !== pool?.metadata.uid) {
    return { status: false, reason: 'NoAgent', message: `no agent serves ${pool?.spec.networkName} yet` }
  }
  const { namespace, name } = agent.report.pod
  return {
    status: false,
    reason: 'AgentSilent',
    message: `the agent ${namespace}/${name} stopped reporting`,
  }
}

function notStarted({ pool, deployment }: PoolState): ConditionValue {
  if (deployment?.problem !== undefined) return { status: false, ...deployment.problem }
  const pods = deployment?.pods ?? []
  const pod = newest(pods.filter(({ terminating }) => !terminating)) ?? newest(pods)
  if (pod === undefined) {
    return { status: false, reason: 'NoAgent', message: `no agent serves ${pool?.spec.networkName} yet` }
  }
  const why = pod.problem === undefined ? '' : `: ${pod.problem}`
  return {
    status: false,
    reason: pod.terminating ? 'AgentGone' : 'AgentNotReady',
    message: `the agent ${pod.namespace}/${pod.name} is not ready${why}`,
  }
}

/** What `status.agentPodRef` is to say. */
export function agentPodRef(state: PoolState, now: Instant): IPPoolStatus['agentPodRef'] {
  const written = state.pool?.status?.agentPodRef
  const current = written?.name === undefined || written.namespace === undefined ? undefined : written
  // A report on behalf of an agent that could not start names a pod that is not there.
  const isOurs = state.agent === undefined || state.agent.report.uid === state.pool?.metadata.uid
  const { deployment } = state
  const serving = servingPod({ agent: isOurs ? state.agent : undefined, deployment }, now)
  if (serving !== undefined) return { name: serving.name, namespace: serving.namespace }
  if (deployment === undefined) return current
  // A pod that is gone is nothing to point at.
  const isThere = deployment.pods.some(
    ({ namespace, name }) => namespace === current?.namespace && name === current.name,
  )
  return isThere ? current : undefined
}
