import type { ConditionValue } from '../../src/api/condition.ts'
import { isConditionTrue } from '../../src/api/condition.ts'
import { between, type Instant, seconds } from '../../src/api/values/time.ts'
import type { PoolState } from './state.ts'

/** An agent reports every ten seconds; three reports missed in a row, and it counts as gone. */
export const AGENT_SILENCE = seconds(35)

/** AgentReady says what the agent itself says, for as long as it says anything. */
export function agentCondition(state: PoolState, now: Instant): ConditionValue {
  const { pool, agent, invalid, startedAt } = state
  if (pool?.spec.paused) return { status: false, reason: 'Paused', message: 'spec.paused is true' }
  if (invalid !== undefined) {
    return { status: false, reason: 'InvalidSpec', message: 'an agent starts when the spec is valid' }
  }
  // A controller that has just started has not heard from anybody: that says nothing about the agent.
  if (agent === undefined && between(startedAt, now) <= AGENT_SILENCE) {
    if (isConditionTrue(pool?.status?.conditions, 'AgentReady')) return { status: true }
  }
  if (agent === undefined || agent.report.uid !== pool?.metadata.uid) {
    return { status: false, reason: 'NoAgent', message: `no agent serves ${pool?.spec.networkName} yet` }
  }
  if (between(agent.at, now) > AGENT_SILENCE) {
    const { namespace, name } = agent.report.pod
    return {
      status: false,
      reason: 'AgentSilent',
      message: `the agent ${namespace}/${name} stopped reporting`,
    }
  }
  const { serving, reason, message } = agent.report
  return { status: serving, reason, message }
}
