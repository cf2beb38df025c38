import { isDeepStrictEqual } from 'node:util'
import { setCondition } from '../../src/api/condition.ts'
import { between, type Instant } from '../../src/api/values/time.ts'
import { AGENT_SILENCE, agentCondition } from './agent-condition.ts'
import type { AgentReport } from './contracts.ts'
import type { PoolState } from './state.ts'

/** A report that says nothing new only proves that the agent lives. */
export function withAgentReport(state: PoolState, report: AgentReport, now: Instant): PoolState {
  const { pool, agent } = state
  // The agent of a pool that had this name before, or one that is ahead of us: neither says anything about this one.
  if (pool !== undefined && report.uid !== pool.metadata.uid) return state
  if (agent !== undefined && !mayReplace(agent, report, now)) return state
  const next = { ...state, agent: { report, at: now } }
  const samePod = isDeepStrictEqual(agent?.report.pod, report.pod)
  return { ...next, dirty: state.dirty || !samePod || agentReadinessChanged(next, now) }
}

export function agentReadinessChanged(state: PoolState, now: Instant): boolean {
  const current = state.pool?.status?.conditions ?? []
  return setCondition(current, 'AgentReady', agentCondition(state, now), now) !== current
}

/** Of two agents, one on its way out say, the status names one, and does not swing to and fro. */
function mayReplace(
  { report, at }: NonNullable<PoolState['agent']>,
  other: AgentReport,
  now: Instant,
): boolean {
  if (report.uid !== other.uid || isDeepStrictEqual(report.pod, other.pod)) return true
  return between(at, now) > AGENT_SILENCE || (other.serving && !report.serving)
}
