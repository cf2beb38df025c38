import * as z from 'zod'
import type { AgentDeployment, AgentPod } from '../../../../actors/pool/agent-pods.ts'
import type { KubeObject } from '../../../api/object.ts'
import { kubeObjectSchema } from '../../../api/object.ts'
import type { Deployment } from './deployment.ts'

const conditionSchema = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
})
const stateSchema = z.looseObject({ reason: z.string().optional(), message: z.string().optional() })
const containerStatusSchema = z.looseObject({
  name: z.string(),
  state: z.looseObject({ waiting: stateSchema.optional(), terminated: stateSchema.optional() }).optional(),
  lastState: z.looseObject({ terminated: stateSchema.optional() }).optional(),
})
const podSchema = kubeObjectSchema.extend({
  status: z
    .looseObject({
      phase: z.string().optional(),
      conditions: z.array(conditionSchema).optional(),
      initContainerStatuses: z.array(containerStatusSchema).optional(),
      containerStatuses: z.array(containerStatusSchema).optional(),
    })
    .optional(),
})
type Pod = z.infer<typeof podSchema>

/** Of the kubelet's messages, as much as a condition can carry. */
const LONGEST = 300

/** What is known of an agent's pods, for the status of its pool. */
export function agentDeploymentView(
  deployment: Deployment | undefined,
  pods: readonly KubeObject[],
  problem: AgentDeployment['problem'],
): AgentDeployment {
  const alive = pods.flatMap((object) => readPod(object) ?? [])
  return { pods: alive, problem: problem ?? refusedPods(deployment) }
}

/** A pod that has ended, evicted say, is none any more. */
function readPod(object: KubeObject): AgentPod | undefined {
  const pod = podSchema.safeParse(object).data
  if (pod === undefined || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded')
    return undefined
  const { namespace = '', name, uid = '', creationTimestamp = '', deletionTimestamp } = pod.metadata
  return {
    namespace,
    name,
    uid,
    ready: pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    terminating: deletionTimestamp !== undefined,
    createdAt: creationTimestamp,
    problem: problemOf(pod),
  }
}

/** The first thing that a person would look for in `kubectl describe pod`. */
function problemOf({ status }: Pod): string | undefined {
  const unscheduled = status?.conditions?.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
  )
  if (unscheduled !== undefined) return shortened(unscheduled.message ?? unscheduled.reason)
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  for (const { name, state, lastState } of containers) {
    const { waiting } = state ?? {}
    // Containers that only wait for their turn have nothing to say.
    if (waiting === undefined || ['PodInitializing', 'ContainerCreating'].includes(waiting.reason ?? ''))
      continue
    const why = lastState?.terminated?.message ?? waiting.message ?? ''
    return shortened(`container ${name}: ${[waiting.reason, why].filter((part) => part).join(': ')}`)
  }
  return undefined
}

/** A quota, say: the Deployment is there and its pods are refused. */
function refusedPods(deployment: Deployment | undefined): AgentDeployment['problem'] {
  const failure = deployment?.status?.conditions?.find(
    ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
  )
  if (failure === undefined) return undefined
  return { reason: 'AgentPodRefused', message: shortened(failure.message) ?? 'its pods are refused' }
}

function shortened(text: string | undefined): string | undefined {
  return text === undefined || text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`
}
