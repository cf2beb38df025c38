import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { buildOverlay, find, type Manifest, OVERLAYS } from './support/kustomize.ts'
import {
  container,
  containers,
  expandedArguments,
  references,
  selectorSchema,
  selects,
  type Workload,
  workload,
  workloads,
} from './support/workloads.ts'

const APPS = 'app.kubernetes.io/component'

describe.each(OVERLAYS)('pods in the overlay %s', (overlay) => {
  let manifests: Manifest[]
  let all: Workload[]
  beforeAll(async () => {
    manifests = await buildOverlay(overlay)
    all = workloads(manifests)
    expect(all.length).toBeGreaterThanOrEqual(2)
  })

  test('keep to the restricted Pod Security Standard, with a read-only root', () => {
    for (const each of all) {
      expect(each.spec.template.spec).toMatchObject({
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65532,
          runAsGroup: 65532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
      })
      for (const one of containers(each)) {
        expect(one.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      }
      for (const forbidden of ['hostNetwork', 'hostPID', 'hostIPC'])
        expect(each.spec.template.spec[forbidden]).toBeUndefined()
      expect(JSON.stringify(each)).not.toMatch(/hostPath|hostPort|privileged":true/)
    }
  })

  test('say what they need and how one sees that they work', () => {
    const resourcesSchema = z.object({
      requests: z.object({ cpu: z.string(), memory: z.string() }),
      limits: z.object({ memory: z.string() }),
    })
    const probeSchema = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) })
    for (const each of all) {
      for (const one of containers(each)) resourcesSchema.parse(one.resources)
      for (const one of each.spec.template.spec.containers) {
        for (const probe of [one.livenessProbe, one.readinessProbe]) {
          const { port } = probeSchema.parse(probe).httpGet
          expect(one.ports.map(({ name }) => name)).toContain(port)
        }
      }
    }
  })

  test('get images of a version, never the latest', () => {
    for (const one of all.flatMap(containers)) expect(one.image).toMatch(/:\d+\.\d+[\w.-]*$/)
  })

  test('refer in arguments and variables only to variables that come before', () => {
    for (const one of all.flatMap(containers)) {
      const known = one.env.map(({ name }) => name)
      for (const arg of one.args) expect(known).toEqual(expect.arrayContaining(references(arg)))
      for (const [index, { value = '' }] of one.env.entries())
        expect(known.slice(0, index)).toEqual(expect.arrayContaining(references(value)))
    }
  })

  test('hold a token of the API server only where they talk to it', () => {
    for (const { kind, metadata, spec } of all) {
      expect(spec.template.spec.automountServiceAccountToken).toBe(kind === 'Deployment')
      expect(find(manifests, 'ServiceAccount', metadata.name)).toMatchObject({
        automountServiceAccountToken: false,
      })
    }
  })

  test('are found by their Services, by the names of their ports', () => {
    const serviceSchema = z.looseObject({
      spec: z.looseObject({
        selector: z.record(z.string(), z.string()),
        ports: z.array(z.looseObject({ targetPort: z.string() })),
      }),
    })
    for (const service of manifests.filter(({ kind }) => kind === 'Service')) {
      const { selector, ports } = serviceSchema.parse(service).spec
      const chosen = all.filter(({ spec }) =>
        selects({ matchLabels: selector, matchExpressions: [] }, spec.template.metadata.labels),
      )
      expect(chosen).toHaveLength(1)
      const names = chosen.flatMap(containers).flatMap((one) => one.ports.map(({ name }) => name))
      expect(names).toEqual(expect.arrayContaining(ports.map(({ targetPort }) => targetPort)))
    }
  })

  test('of which there are several may be evicted one at a time; a single one never blocks a drain', () => {
    const budgetSchema = z.looseObject({
      spec: z.looseObject({ maxUnavailable: z.literal(1), selector: selectorSchema }),
    })
    const budgets = manifests
      .filter(({ kind }) => kind === 'PodDisruptionBudget')
      .map((budget) => budgetSchema.parse(budget).spec.selector)
    for (const { spec } of all) {
      const mine = budgets.filter((selector) => selects(selector, spec.template.metadata.labels))
      expect(mine).toHaveLength(spec.replicas > 1 ? 1 : 0)
    }
    const agent = { 'app.kubernetes.io/name': 'managed-dhcp', [APPS]: 'agent' }
    expect(budgets.filter((selector) => selects(selector, agent))).toEqual([])
  })
})

test('the controller is told the names that other parts use', async () => {
  const manifests = await buildOverlay('default')
  const controller = workload(manifests, 'managed-dhcp-controller')
  const main = container(controller, 'controller')
  expect(expandedArguments(main)).toEqual([
    'controller',
    '--nats',
    'nats://managed-dhcp-nats:4222',
    '--namespace',
    '$(POD_NAMESPACE)',
    '--agent-image',
    main.image,
    '--health',
    '0.0.0.0:8080',
  ])
  const secret = container(controller, 'nats-credentials').args.at(-1)
  expect(main.env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? [])).toEqual([
    { name: secret, key: 'controller-password' },
  ])
  const broker = container(workload(manifests, 'managed-dhcp-nats'), 'nats')
  expect(broker.env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? [])).toEqual(
    ['controller', 'agent', 'tap'].map((user) => ({ name: secret, key: `${user}-password` })),
  )
})
