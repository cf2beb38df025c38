import * as z from 'zod'

const keyReference = z.strictObject({
  name: z.string(),
  key: z.string(),
  optional: z.boolean().optional(),
})

const envSchema = z.strictObject({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z
    .strictObject({
      fieldRef: z.strictObject({ fieldPath: z.string(), apiVersion: z.literal('v1').optional() }).optional(),
      secretKeyRef: keyReference.optional(),
      configMapKeyRef: keyReference.optional(),
    })
    .optional(),
})

const sourceReference = z.strictObject({ name: z.string(), optional: z.boolean().optional() })
const envFromSchema = z.strictObject({
  prefix: z.string().optional(),
  secretRef: sourceReference.optional(),
  configMapRef: sourceReference.optional(),
})

const portSchema = z.union([z.number(), z.string()])
const execSchema = z.strictObject({ command: z.array(z.string()).min(1) })

const probeSchema = z.strictObject({
  httpGet: z
    .strictObject({
      path: z.string().default('/'),
      port: portSchema,
      scheme: z.enum(['HTTP', 'HTTPS']).default('HTTP'),
    })
    .optional(),
  tcpSocket: z.strictObject({ port: portSchema }).optional(),
  exec: execSchema.optional(),
  initialDelaySeconds: z.number().default(0),
  periodSeconds: z.number().default(10),
  timeoutSeconds: z.number().default(1),
  successThreshold: z.number().default(1),
  failureThreshold: z.number().default(3),
})

const securityContextSchema = z.strictObject({
  runAsUser: z.number().optional(),
  runAsGroup: z.number().optional(),
  runAsNonRoot: z.boolean().optional(),
  readOnlyRootFilesystem: z.boolean().optional(),
  allowPrivilegeEscalation: z.boolean().optional(),
  privileged: z.literal(false).optional(),
  capabilities: z
    .strictObject({ add: z.array(z.string()).optional(), drop: z.array(z.string()).optional() })
    .optional(),
  /** Without effect: no seccomp filter is loaded. */
  seccompProfile: z.strictObject({ type: z.enum(['RuntimeDefault', 'Unconfined']) }).optional(),
})

const volumeMountSchema = z.strictObject({
  name: z.string(),
  mountPath: z.string(),
  subPath: z.string().optional(),
  readOnly: z.boolean().optional(),
})

export const containerSchema = z.strictObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  workingDir: z.string().optional(),
  env: z.array(envSchema).default([]),
  envFrom: z.array(envFromSchema).default([]),
  ports: z.array(z.looseObject({ name: z.string().optional(), containerPort: z.number() })).default([]),
  volumeMounts: z.array(volumeMountSchema).default([]),
  securityContext: securityContextSchema.default({}),
  startupProbe: probeSchema.optional(),
  livenessProbe: probeSchema.optional(),
  readinessProbe: probeSchema.optional(),
  lifecycle: z.strictObject({ preStop: z.strictObject({ exec: execSchema }).optional() }).optional(),
  /** Only for init containers: a sidecar. */
  restartPolicy: z.literal('Always').optional(),
  // Without effect: nothing is pulled, no cgroup limits, no termination message.
  imagePullPolicy: z.unknown().optional(),
  resources: z.unknown().optional(),
  terminationMessagePath: z.unknown().optional(),
  terminationMessagePolicy: z.unknown().optional(),
})

export type Container = z.infer<typeof containerSchema>
export type EnvEntry = z.infer<typeof envSchema>
export type Probe = z.infer<typeof probeSchema>
export type VolumeMount = z.infer<typeof volumeMountSchema>
export type ContainerSecurityContext = z.infer<typeof securityContextSchema>
