import type { ObjectKey } from '../../src/api/values/object-key.ts'
import { between, type Instant, seconds } from '../../src/api/values/time.ts'
import type { AgentReport } from './contracts.ts'

/** A pod of the agent's Deployment, as the watch shows it. */
export interface AgentPod {
  namespace: string
  name: string
  uid: string
  /** Its readiness probe says that it serves. */
  ready: boolean
  /** It was told to go; on a node that is down it never does. */
  terminating: boolean
  createdAt: string
  /** Why it is not ready, as far as the kubelet or the scheduler says. */
  problem: string | undefined
}

/** What the cluster does about a pool's agent; undefined where agents are no pods. */
export interface AgentDeployment {
  pods: readonly AgentPod[]
  /** Why there is no pod. */
  problem: { reason: string; message: string } | undefined
}

/** What is known of a pool's agent: what it says of itself, and what the cluster says. */
export interface AgentKnowledge {
  agent: KnownAgent | undefined
  deployment: AgentDeployment | undefined
}

export interface KnownAgent {
  report: AgentReport
  at: Instant
  /** The revision that it is yet to reach, and when it was first seen to lag. */
  behind: { revision: number; since: Instant } | undefined
  /** Its pod was not ready at some time since the report. */
  wasUnready: boolean
}

/** An agent reports every ten seconds; three reports missed in a row, and it counts as gone. */
export const AGENT_SILENCE = seconds(35)

/** The agent's word, while it gives it and its pod is there. */
export function freshReport({ agent, deployment }: AgentKnowledge, now: Instant): KnownAgent | undefined {
  if (agent === undefined || between(agent.at, now) > AGENT_SILENCE) return undefined
  if (deployment !== undefined && podOf(deployment, agent.report) === undefined) return undefined
  return agent
}

/** By readiness probe, without a word from the agent: the broker may be down, the clients are served all the same. */
export function readyPod(deployment: AgentDeployment | undefined): AgentPod | undefined {
  return newest(deployment?.pods.filter((pod) => pod.ready && !pod.terminating) ?? [])
}

/** The pod that serves: the one that says so and stays, else the newest that is ready, else one on its way out. */
export function servingPod(known: AgentKnowledge, now: Instant): ObjectKey | undefined {
  const report = freshReport(known, now)?.report
  const said = report?.serving ? report : undefined
  const stays = said !== undefined && podOf(known.deployment, said)?.terminating !== true
  return (stays ? said.pod : undefined) ?? readyPod(known.deployment) ?? said?.pod
}

export function podOf(
  deployment: AgentDeployment | undefined,
  { pod }: Pick<AgentReport, 'pod'>,
): AgentPod | undefined {
  return deployment?.pods.find(
    ({ namespace, name, uid }) =>
      namespace === pod.namespace && name === pod.name && (pod.uid === undefined || pod.uid === uid),
  )
}

export function newest(pods: readonly AgentPod[]): AgentPod | undefined {
  return pods.reduce<AgentPod | undefined>(
    (best, pod) => (best === undefined || pod.createdAt > best.createdAt ? pod : best),
    undefined,
  )
}
