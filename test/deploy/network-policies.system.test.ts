import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { agentLabels } from '../../src/processes/controller/agents/names.ts'
import { buildOverlay, type Manifest } from './support/kustomize.ts'
import { selectorSchema, selects } from './support/workloads.ts'

const peerSchema = z.strictObject({
  podSelector: selectorSchema.optional(),
  namespaceSelector: selectorSchema.optional(),
})
const portSchema = z.strictObject({ port: z.number(), protocol: z.enum(['TCP', 'UDP']).default('TCP') })
const policySchema = z.looseObject({
  kind: z.literal('NetworkPolicy'),
  spec: z.strictObject({
    podSelector: selectorSchema,
    policyTypes: z.tuple([z.literal('Ingress'), z.literal('Egress')]),
    ingress: z.array(z.strictObject({ from: z.array(peerSchema).optional(), ports: z.array(portSchema) })),
    egress: z
      .array(z.strictObject({ to: z.array(peerSchema).optional(), ports: z.array(portSchema) }))
      .default([]),
  }),
})
type Policy = z.infer<typeof policySchema>
type Labels = Readonly<Record<string, string>>

/** Of agents as the controller makes them; of the others as their manifests have them. */
const labelsOf = (component: string): Labels =>
  component === 'agent'
    ? agentLabels({ namespace: 'default', name: 'net-48' })
    : {
        'app.kubernetes.io/name': 'managed-dhcp',
        'app.kubernetes.io/component': component,
        'app.kubernetes.io/part-of': 'managed-dhcp',
      }
/** Of a pod in the same namespace that is none of ours. */
const STRANGER: Labels = { app: 'somebody' }
const SOMEWHERE = 'outside the cluster'
type Place = Labels | typeof SOMEWHERE

let policies: Policy[]

function covers(peers: z.infer<typeof peerSchema>[] | undefined, place: Place): boolean {
  if (peers === undefined) return true
  if (place === SOMEWHERE) return false
  return peers.some(({ podSelector }) => podSelector === undefined || selects(podSelector, place))
}

/** As Kubernetes decides it for pods of one namespace: some policy of each side must allow it. */
function mayConnect(from: Place, to: Place, port: number, protocol = 'TCP'): boolean {
  const opens = (ports: z.infer<typeof portSchema>[]) =>
    ports.some((one) => one.port === port && one.protocol === protocol)
  const of = (place: Place) =>
    place === SOMEWHERE ? [] : policies.filter(({ spec }) => selects(spec.podSelector, place))
  const [sender, receiver] = [of(from), of(to)]
  const leaves = sender.some(({ spec }) =>
    spec.egress.some((rule) => covers(rule.to, to) && opens(rule.ports)),
  )
  const enters = receiver.some(({ spec }) =>
    spec.ingress.some((rule) => covers(rule.from, from) && opens(rule.ports)),
  )
  return (sender.length === 0 || leaves) && (receiver.length === 0 || enters)
}

async function load(overlay: 'default' | 'nats-cluster' | 'existing-nats'): Promise<void> {
  const manifests: Manifest[] = await buildOverlay(overlay)
  policies = manifests.flatMap((manifest) => policySchema.safeParse(manifest).data ?? [])
  expect(policies).toHaveLength(manifests.filter(({ kind }) => kind === 'NetworkPolicy').length)
}

describe('by the network policies of the default overlay', () => {
  beforeAll(() => load('default'))

  test.each(['controller', 'agent', 'webhook', 'nats'])('%s is under one', (component) => {
    expect(policies.filter(({ spec }) => selects(spec.podSelector, labelsOf(component)))).toHaveLength(1)
  })

  test.each(['controller', 'agent'])('%s reaches broker, API server and DNS, and no more', (component) => {
    const from = labelsOf(component)
    expect(mayConnect(from, labelsOf('nats'), 4222)).toBe(true)
    for (const port of [443, 6443, 53]) expect(mayConnect(from, SOMEWHERE, port)).toBe(true)
    expect(mayConnect(from, SOMEWHERE, 53, 'UDP')).toBe(true)
    expect(mayConnect(from, SOMEWHERE, 80)).toBe(false)
    expect(mayConnect(from, STRANGER, 4222)).toBe(false)
    expect(mayConnect(from, labelsOf('nats'), 8222)).toBe(false)
  })

  test('the broker hears controllers and agents only, and begins nothing', () => {
    for (const other of [STRANGER, SOMEWHERE, labelsOf('webhook')] as const)
      expect(mayConnect(other, labelsOf('nats'), 4222)).toBe(false)
    for (const port of [53, 443, 6222, 6443])
      expect(mayConnect(labelsOf('nats'), SOMEWHERE, port)).toBe(false)
  })

  test('the API server reaches the webhook, whatever its address', () => {
    expect(mayConnect(SOMEWHERE, labelsOf('webhook'), 8443)).toBe(true)
    expect(mayConnect(SOMEWHERE, labelsOf('webhook'), 8082)).toBe(false)
  })

  test.each([
    ['controller', 8080],
    ['agent', 8081],
    ['webhook', 8082],
  ])('Prometheus reads the metrics of %s', (component, port) => {
    expect(mayConnect(STRANGER, labelsOf(component), port)).toBe(true)
    expect(mayConnect(STRANGER, labelsOf(component), port + 1000)).toBe(false)
  })
})

test('three brokers reach each other, and nobody else their routes', async () => {
  await load('nats-cluster')
  expect(mayConnect(labelsOf('nats'), labelsOf('nats'), 6222)).toBe(true)
  expect(mayConnect(labelsOf('controller'), labelsOf('nats'), 6222)).toBe(false)
  expect(mayConnect(labelsOf('controller'), labelsOf('nats'), 4222)).toBe(true)
  expect(mayConnect(labelsOf('nats'), SOMEWHERE, 53, 'UDP')).toBe(true)
})

test('an existing broker is reached wherever it is', async () => {
  await load('existing-nats')
  for (const component of ['controller', 'agent']) {
    expect(mayConnect(labelsOf(component), SOMEWHERE, 4222)).toBe(true)
    expect(mayConnect(labelsOf(component), SOMEWHERE, 443)).toBe(true)
  }
})
