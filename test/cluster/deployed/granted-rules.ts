import * as z from 'zod'

/** One verb on one resource that roles give to a ServiceAccount. */
export interface Grant {
  user: string
  verb: string
  group: string
  resource: string
}

const subjectSchema = z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() })
const bindingSchema = z.object({
  kind: z.enum(['RoleBinding', 'ClusterRoleBinding']),
  roleRef: z.object({ kind: z.string(), name: z.string() }),
  subjects: z.array(subjectSchema).default([]),
})
const roleSchema = z.object({
  kind: z.enum(['Role', 'ClusterRole']),
  metadata: z.object({ name: z.string() }),
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      verbs: z.array(z.string()),
    }),
  ),
})

/** What the roles among `objects` (of a kustomize build) give to the ServiceAccounts that their bindings name. */
export function grantsOf(objects: readonly unknown[]): Grant[] {
  const roles = objects.flatMap((object) => roleSchema.safeParse(object).data ?? [])
  const bindings = objects.flatMap((object) => bindingSchema.safeParse(object).data ?? [])
  return bindings.flatMap(({ roleRef, subjects }) =>
    roles
      .filter(({ kind, metadata }) => kind === roleRef.kind && metadata.name === roleRef.name)
      .flatMap(({ rules }) => rules)
      .flatMap(({ apiGroups, resources, verbs }) =>
        subjects.flatMap((subject) =>
          apiGroups.flatMap((group) =>
            resources.flatMap((resource) =>
              verbs.map((verb) => ({
                user: `system:serviceaccount:${subject.namespace}:${subject.name}`,
                verb,
                group,
                resource,
              })),
            ),
          ),
        ),
      ),
  )
}
