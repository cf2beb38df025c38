import { readFileSync } from 'node:fs'
import { loadAll } from 'js-yaml'
import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { packageFile } from '../../src/runtime/package-root.ts'
import { buildOverlay, find, type Manifest, nameOf, OVERLAYS } from './support/kustomize.ts'
import { workloads } from './support/workloads.ts'

const ruleSchema = z.strictObject({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
})
type Rule = z.infer<typeof ruleSchema>
const roleSchema = z.looseObject({ rules: z.array(ruleSchema) })
const bindingSchema = z.looseObject({
  roleRef: z.strictObject({ apiGroup: z.string(), kind: z.string(), name: z.string() }),
  subjects: z.array(
    z.strictObject({ kind: z.literal('ServiceAccount'), name: z.string(), namespace: z.string() }),
  ),
})

/** What Kubernetes itself serves, of what is used here: https://kubernetes.io/docs/reference/kubernetes-api/ */
const BUILT_IN = new Set([
  '/events',
  '/namespaces',
  '/pods',
  '/secrets',
  '/services',
  'admissionregistration.k8s.io/mutatingwebhookconfigurations',
  'admissionregistration.k8s.io/validatingwebhookconfigurations',
  'apps/deployments',
  'coordination.k8s.io/leases',
  'networking.k8s.io/servicecidrs',
])
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']

describe.each(OVERLAYS)('rights in the overlay %s', (overlay) => {
  let manifests: Manifest[]
  let rules: { role: string; rule: Rule }[]
  beforeAll(async () => {
    manifests = await buildOverlay(overlay)
    rules = manifests
      .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
      .flatMap((role) => roleSchema.parse(role).rules.map((rule) => ({ role: nameOf(role), rule })))
    expect(rules.length).toBeGreaterThan(10)
  })

  test('are named one by one: no wildcard anywhere', () => {
    for (const { rule } of rules) expect(Object.values(rule).flat()).not.toContain('*')
    for (const { rule } of rules) expect(VERBS).toEqual(expect.arrayContaining(rule.verbs))
  })

  test('are for resources that exist', () => {
    const known = new Set([...BUILT_IN, ...definedResources(manifests)])
    const named = rules.flatMap(({ rule }) =>
      rule.apiGroups.flatMap((group) => rule.resources.map((resource) => `${group}/${resource}`)),
    )
    expect(named.filter((resource) => !known.has(resource))).toEqual([])
  })

  test('on Secrets and Leases are for ours alone, save to create them', () => {
    const guarded = rules.filter(({ rule }) => rule.resources.some((one) => /^(secrets|leases)$/.test(one)))
    expect(guarded.length).toBeGreaterThan(0)
    for (const { rule } of guarded) {
      if (rule.verbs.join() === 'create') continue
      expect(rule.verbs).not.toContain('create')
      expect(rule.resourceNames?.every((name) => name.startsWith('managed-dhcp-'))).toBe(true)
    }
  })

  test('on Secrets, pods, Deployments and Leases end with the system namespace', () => {
    const everywhere = rules.filter(({ role }) => role.startsWith('ClusterRole '))
    const resources = new Set(everywhere.flatMap(({ rule }) => rule.resources))
    for (const resource of ['secrets', 'pods', 'deployments', 'leases'])
      expect(resources).not.toContain(resource)
  })

  test('of no kind let somebody give himself more', () => {
    const groups = new Set(rules.flatMap(({ rule }) => rule.apiGroups))
    expect(groups).not.toContain('rbac.authorization.k8s.io')
    const resources = rules.flatMap(({ rule }) => rule.resources)
    expect(resources.filter((resource) => /token|impersonat|exec|ephemeral/.test(resource))).toEqual([])
  })

  test('of an agent are to read IPPools', () => {
    expect(roleSchema.parse(find(manifests, 'ClusterRole', 'managed-dhcp-agent')).rules).toEqual([
      {
        apiGroups: ['network.harvesterhci.io'],
        resources: ['ippools'],
        verbs: ['get', 'list', 'watch'],
      },
    ])
    const bindings = manifests.filter(({ kind }) => kind.endsWith('Binding'))
    const mine = bindings.filter((binding) =>
      bindingSchema.parse(binding).subjects.some(({ name }) => name === 'managed-dhcp-agent'),
    )
    expect(mine.map(nameOf)).toEqual(['ClusterRoleBinding managed-dhcp-agent'])
  })

  test('are given: each binding joins a role and an account that are there', () => {
    for (const manifest of manifests.filter(({ kind }) => kind.endsWith('Binding'))) {
      const { roleRef, subjects } = bindingSchema.parse(manifest)
      find(manifests, roleRef.kind, roleRef.name)
      for (const { name, namespace } of subjects) {
        expect(find(manifests, 'ServiceAccount', name).metadata.namespace).toBe(namespace)
      }
    }
    for (const { spec } of workloads(manifests))
      find(manifests, 'ServiceAccount', spec.template.spec.serviceAccountName)
  })

  test('of the roles view, edit and admin grow with ours', () => {
    const label = (role: string) => `rbac.authorization.k8s.io/aggregate-to-${role}`
    const view = find(manifests, 'ClusterRole', 'managed-dhcp-view')
    const edit = find(manifests, 'ClusterRole', 'managed-dhcp-edit')
    expect(view.metadata.labels?.[label('view')]).toBe('true')
    expect(edit.metadata.labels).toMatchObject({ [label('edit')]: 'true', [label('admin')]: 'true' })
    expect(edit.metadata.labels?.[label('view')]).toBeUndefined()
    expect(roleSchema.parse(view).rules.flatMap(({ verbs }) => verbs)).toEqual(['get', 'list', 'watch'])
  })
})

/** As "group/plural", with "group/plural/status"; ours and those of KubeVirt and Multus. */
function definedResources(manifests: readonly Manifest[]): string[] {
  const definitionSchema = z.object({
    kind: z.literal('CustomResourceDefinition'),
    spec: z.object({
      group: z.string(),
      names: z.object({ plural: z.string() }),
      versions: z.array(z.object({ subresources: z.looseObject({}).optional() })),
    }),
  })
  const foreign = ['network-attachment-definitions', 'virtualmachineinstances', 'virtualmachines'].flatMap(
    (name) => loadAll(readFileSync(packageFile('deploy', 'third-party-crds', `${name}.yaml`), 'utf8')),
  )
  return [...manifests, ...foreign].flatMap((manifest) => {
    const spec = definitionSchema.safeParse(manifest).data?.spec
    if (spec === undefined) return []
    const name = `${spec.group}/${spec.names.plural}`
    const subresources = spec.versions.flatMap((version) => Object.keys(version.subresources ?? {}))
    return [name, ...subresources.map((subresource) => `${name}/${subresource}`)]
  })
}
