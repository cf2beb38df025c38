import * as z from 'zod'
import { objectMetaSchema } from '../../../../src/api/object.ts'
import { containerSchema } from './container-schema.ts'
import { volumeSchema } from './volume-schema.ts'

/**
 * The part of a pod that the emulated kubelet carries out. Objects are strict: a field that is not named here is
 * refused, so that no test passes because something was quietly left out.
 */
const podSecurityContextSchema = z.strictObject({
  runAsUser: z.number().optional(),
  runAsGroup: z.number().optional(),
  runAsNonRoot: z.boolean().optional(),
  fsGroup: z.number().optional(),
  fsGroupChangePolicy: z.enum(['Always', 'OnRootMismatch']).optional(),
  supplementalGroups: z.array(z.number()).optional(),
  /** Without effect: no seccomp filter is loaded. */
  seccompProfile: z.strictObject({ type: z.enum(['RuntimeDefault', 'Unconfined']) }).optional(),
})

const podSpecSchema = z.strictObject({
  nodeName: z.string().optional(),
  serviceAccountName: z.string().default('default'),
  serviceAccount: z.string().optional(),
  automountServiceAccountToken: z.boolean().optional(),
  restartPolicy: z.enum(['Always', 'OnFailure', 'Never']).default('Always'),
  terminationGracePeriodSeconds: z.number().default(30),
  hostname: z.string().optional(),
  subdomain: z.string().optional(),
  securityContext: podSecurityContextSchema.default({}),
  volumes: z.array(volumeSchema).default([]),
  initContainers: z.array(containerSchema).default([]),
  containers: z.array(containerSchema).min(1),
  dnsPolicy: z.enum(['ClusterFirst', 'Default']).optional(),
  hostNetwork: z.literal(false).optional(),
  hostPID: z.literal(false).optional(),
  hostIPC: z.literal(false).optional(),
  shareProcessNamespace: z.literal(false).optional(),
  // What follows is for the scheduler and the controllers, or has no effect here.
  affinity: z.unknown().optional(),
  nodeSelector: z.unknown().optional(),
  tolerations: z.unknown().optional(),
  topologySpreadConstraints: z.unknown().optional(),
  schedulerName: z.unknown().optional(),
  priority: z.unknown().optional(),
  priorityClassName: z.unknown().optional(),
  preemptionPolicy: z.unknown().optional(),
  enableServiceLinks: z.unknown().optional(),
  imagePullSecrets: z.unknown().optional(),
})

const conditionSchema = z.looseObject({ type: z.string(), status: z.string() })

const podStatusSchema = z.looseObject({
  phase: z.string().optional(),
  conditions: z.array(conditionSchema).optional(),
})

export const podSchema = z.looseObject({
  metadata: objectMetaSchema.extend({
    namespace: z.string(),
    uid: z.string(),
    deletionGracePeriodSeconds: z.number().optional(),
  }),
  spec: podSpecSchema,
  status: podStatusSchema.default({}),
})

/** Enough of any pod to know whose it is, also of one that is refused. */
export const podHeadSchema = z.looseObject({
  metadata: podSchema.shape.metadata,
  spec: z.looseObject({ nodeName: z.string().optional() }),
  status: podSchema.shape.status,
})

export type Pod = z.infer<typeof podSchema>
export type PodHead = z.infer<typeof podHeadSchema>
export type PodSecurityContext = z.infer<typeof podSecurityContextSchema>
export type PodStatus = z.infer<typeof podStatusSchema>
export type PodCondition = z.infer<typeof conditionSchema>

/** Whether it has ended for good, as the API server has it. */
export function isOver({ status }: PodHead): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}

/** The pod uses something that the emulated kubelet does not carry out. */
export class UnsupportedPodError extends Error {
  override readonly name = 'UnsupportedPodError'
  constructor(readonly problems: readonly string[]) {
    super(`the emulated kubelet does not carry out: ${problems.join('; ')}`)
  }
}

/** @throws UnsupportedPodError that names every field */
export function parsePod(object: unknown): Pod {
  const parsed = podSchema.safeParse(object)
  if (parsed.success) return parsed.data
  throw new UnsupportedPodError(
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  )
}
