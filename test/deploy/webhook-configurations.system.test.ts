import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { buildOverlay, find, type Manifest } from './support/kustomize.ts'
import { container, workload } from './support/workloads.ts'

const configurationSchema = z.looseObject({
  webhooks: z.array(
    z.looseObject({
      name: z.string(),
      clientConfig: z.strictObject({
        service: z.strictObject({
          name: z.string(),
          namespace: z.string(),
          path: z.string(),
          port: z.number(),
        }),
      }),
      rules: z.array(
        z.strictObject({
          apiGroups: z.array(z.string()),
          apiVersions: z.array(z.string()),
          operations: z.array(z.string()),
          resources: z.array(z.string()),
          scope: z.string(),
        }),
      ),
      failurePolicy: z.string(),
      sideEffects: z.string(),
      timeoutSeconds: z.number(),
      matchPolicy: z.string(),
    }),
  ),
})
const definitionSchema = z.looseObject({
  spec: z.looseObject({
    group: z.string(),
    scope: z.string(),
    names: z.looseObject({ plural: z.string() }),
    versions: z.array(z.looseObject({ name: z.string(), served: z.boolean() })),
  }),
})

let manifests: Manifest[]
beforeAll(async () => {
  manifests = await buildOverlay('default')
})

const BOTH = ['ippools', 'virtualmachinenetworkconfigs']

describe.each([
  ['ValidatingWebhookConfiguration', 'validate', { CREATE: BOTH, UPDATE: BOTH, DELETE: ['ippools'] }],
  ['MutatingWebhookConfiguration', 'mutate', { CREATE: BOTH, UPDATE: BOTH }],
])('the %s', (kind, verb, asked) => {
  const only = () => {
    const { webhooks } = configurationSchema.parse(find(manifests, kind, 'managed-dhcp'))
    const [webhook] = webhooks
    if (webhook === undefined || webhooks.length > 1) throw new Error(`${webhooks.length} webhooks`)
    return webhook
  }

  test('asks about every kind that we define, in every version served', () => {
    const definitions = manifests
      .filter((manifest) => manifest.kind === 'CustomResourceDefinition')
      .map((manifest) => definitionSchema.parse(manifest).spec)
    expect(definitions).toHaveLength(2)
    const served = definitions.flatMap(({ versions }) => versions.filter((one) => one.served))
    expect(only().name).toBe(`${verb}.network.harvesterhci.io`)
    expect(definitions.map(({ names }) => names.plural).sort()).toEqual(BOTH)
    const resourcesOf = new Map<string, string[]>()
    for (const rule of only().rules) {
      expect(rule).toMatchObject({
        apiGroups: [...new Set(definitions.map(({ group }) => group))],
        apiVersions: [...new Set(served.map(({ name }) => name))],
        scope: 'Namespaced',
      })
      for (const operation of rule.operations)
        resourcesOf.set(operation, [...(resourcesOf.get(operation) ?? []), ...rule.resources])
    }
    expect(Object.fromEntries(resourcesOf)).toEqual(asked)
  })

  test('refuses rather than lets through what nobody looked at, after seconds', () => {
    expect(only()).toMatchObject({
      failurePolicy: 'Fail',
      sideEffects: 'None',
      timeoutSeconds: 5,
      matchPolicy: 'Equivalent',
      admissionReviewVersions: ['v1'],
    })
  })

  test('names no caBundle, so that applying it again does not wipe what the webhook wrote', () => {
    expect(Object.keys(only().clientConfig)).toEqual(['service'])
  })

  test('calls the port that the Service leads to the webhook’s', () => {
    const { service } = only().clientConfig
    expect(service).toEqual({
      name: 'managed-dhcp-webhook',
      namespace: 'harvester-system',
      path: `/${verb}`,
      port: 443,
    })
    expect(find(manifests, 'Service', service.name)).toMatchObject({
      spec: { ports: expect.arrayContaining([expect.objectContaining({ port: 443, targetPort: 'https' })]) },
    })
    const { args, ports } = container(workload(manifests, 'managed-dhcp-webhook'), 'webhook')
    const https = ports.find(({ name }) => name === 'https')?.containerPort
    expect(args[args.indexOf('--https-port') + 1]).toBe(String(https))
  })
})
