import * as z from 'zod'
import type { Manifest } from './kustomize.ts'

const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).default([]),
  env: z
    .array(
      z.looseObject({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z
          .looseObject({
            secretKeyRef: z
              .looseObject({ name: z.string(), key: z.string(), optional: z.boolean().optional() })
              .optional(),
          })
          .optional(),
      }),
    )
    .default([]),
  ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })).default([]),
  securityContext: z.unknown().optional(),
  resources: z.unknown().optional(),
  livenessProbe: z.unknown().optional(),
  readinessProbe: z.unknown().optional(),
})
export type Container = z.infer<typeof containerSchema>

const podSchema = z.looseObject({
  serviceAccountName: z.string(),
  automountServiceAccountToken: z.boolean(),
  securityContext: z.unknown().optional(),
  initContainers: z.array(containerSchema).default([]),
  containers: z.array(containerSchema),
})

const workloadSchema = z.looseObject({
  kind: z.enum(['Deployment', 'StatefulSet']),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    replicas: z.number(),
    selector: z.looseObject({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: podSchema,
    }),
  }),
})
export type Workload = z.infer<typeof workloadSchema>

export function workloads(manifests: readonly Manifest[]): Workload[] {
  return manifests
    .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
    .map((manifest) => workloadSchema.parse(manifest))
}

export function workload(manifests: readonly Manifest[], name: string): Workload {
  const found = workloads(manifests).find(({ metadata }) => metadata.name === name)
  if (found === undefined) throw new Error(`no workload is named ${name}`)
  return found
}

/** With the init containers first. */
export function containers({ spec }: Workload): Container[] {
  const pod = spec.template.spec
  return [...pod.initContainers, ...pod.containers]
}

export function container(of: Workload, name: string): Container {
  const found = containers(of).find((one) => one.name === name)
  if (found === undefined) throw new Error(`${of.metadata.name} has no container ${name}`)
  return found
}

/** `$(NAME)` as Kubernetes expands it in arguments, with the values that are known beforehand. */
export function expandedArguments({ args, env }: Container): string[] {
  const values = new Map(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
  return args.map((arg) => arg.replaceAll(/\$\((\w+)\)/g, (whole, name) => values.get(name) ?? whole))
}

/** The variables that a text refers to. */
export function references(text: string): string[] {
  return [...text.matchAll(/\$\((\w+)\)/g)].flatMap(([, name]) => name ?? [])
}

/** Does the selector choose pods with these labels? Expressions with In only. */
export const selectorSchema = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .default([]),
})

export function selects(
  selector: z.infer<typeof selectorSchema>,
  labels: Readonly<Record<string, string>>,
): boolean {
  const { matchLabels, matchExpressions } = selector
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  )
}
