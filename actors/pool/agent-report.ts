import { isDeepStrictEqual } from 'node:util'
import { setCondition } from '../../src/api/condition.ts'
import { between, type Instant } from '../../src/api/values/time.ts'
import { agentCondition, agentPodRef } from './agent-condition.ts'
import { AGENT_SILENCE, type AgentDeployment, type KnownAgent, podOf } from './agent-pods.ts'
import type { AgentReport } from './contracts.ts'
import type { PoolState } from './state.ts'

/** A report that says nothing new only proves that the agent lives. */
export function withAgentReport(state: PoolState, report: AgentReport, now: Instant): PoolState {
  const { pool, agent, deployment } = state
  // The agent of a pool that had this name before, or one that is ahead of us: neither says anything about this one.
  if (pool !== undefined && report.uid !== pool.metadata.uid) return state
  if (agent !== undefined && !mayReplace(agent, report, deployment, now)) return state
  const revision = pool?.status?.ipv4?.revision ?? 0
  const behind = lagOf(agent, report, revision, now)
  return withNews({ ...state, agent: { report, at: now, behind, wasUnready: false } }, now)
}

/** What the cluster does about the agent. */
export function withAgentDeployment(
  state: PoolState,
  deployment: AgentDeployment | undefined,
  now: Instant,
): PoolState {
  const { agent } = state
  const pod = agent && podOf(deployment, agent.report)
  const wasUnready = pod?.ready === false
  return withNews(
    { ...state, deployment, agent: agent && wasUnready ? { ...agent, wasUnready } : agent },
    now,
  )
}

function withNews(state: PoolState, now: Instant): PoolState {
  return { ...state, dirty: state.dirty || agentReadinessChanged(state, now) }
}

/** Whether the status says something else of the agent than what is known. */
export function agentReadinessChanged(state: PoolState, now: Instant): boolean {
  const { conditions = [], agentPodRef: current } = state.pool?.status ?? {}
  if (setCondition(conditions, 'AgentReady', agentCondition(state, now), now) !== conditions) return true
  const wanted = agentPodRef(state, now)
  return current?.name !== wanted?.name || current?.namespace !== wanted?.namespace
}

/**
 * Since when the agent owes a revision. Under a steady flow of allocations it is always a little behind the latest one:
 * it lags only when it does not come to the one that it owed before.
 */
function lagOf(
  agent: KnownAgent | undefined,
  report: AgentReport,
  revision: number,
  now: Instant,
): KnownAgent['behind'] {
  if (report.revision >= revision) return undefined
  const owed = isDeepStrictEqual(agent?.report.pod, report.pod) ? agent?.behind : undefined
  if (owed !== undefined && report.revision < owed.revision) return owed
  return { revision, since: now }
}

/** Of two agents, one on its way out say, the status names one, and does not swing to and fro. */
function mayReplace(
  { report, at }: KnownAgent,
  other: AgentReport,
  deployment: AgentDeployment | undefined,
  now: Instant,
): boolean {
  if (report.uid !== other.uid || isDeepStrictEqual(report.pod, other.pod)) return true
  if (between(at, now) > AGENT_SILENCE) return true
  if (!other.serving) return false
  return !report.serving || isLeaving(deployment, report)
}

/** Its pod was told to go, or is gone. */
function isLeaving(deployment: AgentDeployment | undefined, report: AgentReport): boolean {
  return deployment !== undefined && podOf(deployment, report)?.terminating !== false
}
