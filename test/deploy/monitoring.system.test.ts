import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { packageFile } from '../../src/runtime/package-root.ts'
import { buildOverlay, find, type Manifest } from './support/kustomize.ts'
import { containers, workloads } from './support/workloads.ts'

const ruleSchema = z.looseObject({
  spec: z.looseObject({
    groups: z.array(
      z.looseObject({
        rules: z.array(
          z.looseObject({
            record: z.string().optional(),
            alert: z.string().optional(),
            expr: z.string(),
            labels: z.looseObject({ severity: z.enum(['warning', 'critical']) }).optional(),
            annotations: z.looseObject({ summary: z.string(), description: z.string() }).optional(),
          }),
        ),
      }),
    ),
  }),
})
const dashboardSchema = z.looseObject({
  panels: z.array(
    z.looseObject({ title: z.string(), targets: z.array(z.looseObject({ expr: z.string() })) }),
  ),
})

let manifests: Manifest[]
let known: Set<string>
beforeAll(async () => {
  manifests = await buildOverlay('monitoring')
  known = metricsOfTheSources()
  expect(known).toContain('managed_dhcp_pool_addresses')
})

const rules = () =>
  ruleSchema
    .parse(find(manifests, 'PrometheusRule', 'managed-dhcp'))
    .spec.groups.flatMap((group) => group.rules)

test('alerts ask for metrics that the processes have', () => {
  const recorded = rules().flatMap(({ record }) => record ?? [])
  const asked = rules().flatMap(({ expr }) => metricsIn(expr))
  expect(asked.length).toBeGreaterThan(5)
  expect(asked.filter((name) => !known.has(name) && !recorded.includes(name))).toEqual([])
})

test('alerts have a severity, and say what happened and what to do', () => {
  const alerts = rules().filter(({ alert }) => alert !== undefined)
  expect(alerts.length).toBeGreaterThan(5)
  for (const { labels, annotations } of alerts) {
    expect(labels).toBeDefined()
    expect(annotations).toBeDefined()
  }
  const marks = alerts.map(({ expr }) => expr).join('\n')
  for (const mark of ['>= 0.8', '>= 0.9']) expect(marks).toContain(mark)
})

test('the dashboard asks for metrics that the processes have', () => {
  const file = readFileSync(packageFile('deploy', 'dashboards', 'managed-dhcp.json'), 'utf8')
  const { panels } = dashboardSchema.parse(JSON.parse(file))
  expect(panels.length).toBeGreaterThan(5)
  for (const { targets } of panels)
    expect(targets.flatMap(({ expr }) => metricsIn(expr)).filter((name) => !known.has(name))).toEqual([])
})

test('monitors look at ports that are there', () => {
  const monitorSchema = z.looseObject({
    spec: z.looseObject({
      selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
      endpoints: z.array(z.looseObject({ port: z.string() })),
    }),
  })
  const serviceSchema = z.looseObject({
    spec: z.looseObject({ ports: z.array(z.looseObject({ name: z.string(), targetPort: z.string() })) }),
  })
  const pods = workloads(manifests)
  for (const monitor of manifests.filter(({ kind }) => kind === 'ServiceMonitor')) {
    const { selector, endpoints } = monitorSchema.parse(monitor).spec
    const services = manifests.filter(
      ({ kind, metadata }) =>
        kind === 'Service' &&
        Object.entries(selector.matchLabels).every(([key, value]) => metadata.labels?.[key] === value),
    )
    const ports = services.flatMap((service) => serviceSchema.parse(service).spec.ports)
    for (const { port } of endpoints) {
      const target = ports.find(({ name }) => name === port)?.targetPort
      const offered = pods
        .filter(({ metadata }) => metadata.name === monitor.metadata.name)
        .flatMap(containers)
        .flatMap((one) => one.ports.map(({ name }) => name))
      expect(offered).toContain(target)
    }
  }
})

/** Names in the sources, as `observe/metrics.ts` completes them. */
function metricsOfTheSources(): Set<string> {
  const folders = ['src/processes', 'src/webhook', 'src/observe'].map((folder) => packageFile(folder))
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.join(folder, name)),
  )
  const names = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(?:name: |gauge\(\s*)'([a-z_]+)'/g)].flatMap(
      ([, name]) => name ?? [],
    ),
  )
  return new Set(names.map((name) => `managed_dhcp_${name}`))
}

const metricsIn = (expr: string): string[] => expr.match(/managed_dhcp[a-z_:]+/g) ?? []
