import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { packageFile } from '../../src/runtime/package-root.ts'
import { build, buildOverlay, find, type Manifest, nameOf, OVERLAYS } from './support/kustomize.ts'
import { container, containers, expandedArguments, workload, workloads } from './support/workloads.ts'

const CLUSTER_WIDE = new Set([
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
])

describe.each(OVERLAYS)('the overlay %s', (overlay) => {
  let manifests: Manifest[]
  beforeAll(async () => {
    manifests = await buildOverlay(overlay)
  })

  test('puts what has a namespace into harvester-system', () => {
    const elsewhere = manifests.filter(
      ({ kind, metadata }) => !CLUSTER_WIDE.has(kind) && metadata.namespace !== 'harvester-system',
    )
    expect(elsewhere.map(nameOf)).toEqual([])
  })

  test('holds no Namespace: deleting the overlay would delete everything in it', () => {
    expect(manifests.filter(({ kind }) => kind === 'Namespace')).toEqual([])
  })

  test('names everything once, with the name and the labels of the project', () => {
    const names = manifests.map(nameOf)
    expect(new Set(names).size).toBe(names.length)
    const ours = manifests.filter(({ kind }) => kind !== 'CustomResourceDefinition')
    for (const { metadata } of ours) {
      expect(metadata.name).toMatch(/^managed-dhcp/)
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/name': 'managed-dhcp',
        'app.kubernetes.io/part-of': 'managed-dhcp',
      })
    }
  })

  test('brings both kinds, two controllers and two webhooks', () => {
    find(manifests, 'CustomResourceDefinition', 'ippools.network.harvesterhci.io')
    find(manifests, 'CustomResourceDefinition', 'virtualmachinenetworkconfigs.network.harvesterhci.io')
    expect(workload(manifests, 'managed-dhcp-controller').spec.replicas).toBe(2)
    expect(workload(manifests, 'managed-dhcp-webhook').spec.replicas).toBe(2)
  })

  test('needs a third party’s definitions only where it says so', () => {
    const groups = new Set(manifests.map(({ apiVersion }) => apiVersion.split('/')[0]))
    expect(groups.has('monitoring.coreos.com')).toBe(overlay === 'monitoring')
    expect(groups.has('cert-manager.io')).toBe(overlay === 'cert-manager')
  })
})

test('deploy itself is the default overlay', async () => {
  expect(await build(packageFile('deploy'))).toEqual(await buildOverlay('default'))
})

test('with an existing broker none is brought, and the controller is told of yours', async () => {
  const manifests = await buildOverlay('existing-nats')
  expect(manifests.filter(({ metadata }) => metadata.name.startsWith('managed-dhcp-nats'))).toEqual([])
  const controller = container(workload(manifests, 'managed-dhcp-controller'), 'controller')
  expect(expandedArguments(controller)).toContain('nats://nats.nats.svc:4222')
})

test('one broker can become three: nothing changes that a StatefulSet never lets change', async () => {
  const fixed = z.looseObject({
    serviceName: z.string(),
    podManagementPolicy: z.string(),
    selector: z.unknown(),
  })
  const [one, three] = await Promise.all([buildOverlay('default'), buildOverlay('nats-cluster')])
  const specOf = (manifests: Manifest[]) => workload(manifests, 'managed-dhcp-nats').spec
  expect(specOf(one).replicas).toBe(1)
  expect(specOf(three).replicas).toBe(3)
  const { serviceName, podManagementPolicy, selector } = fixed.parse(specOf(one))
  expect(specOf(three)).toMatchObject({ serviceName, podManagementPolicy, selector })
})

describe('an overlay of your own', () => {
  const folders: string[] = []
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

  async function overlayOf(base: string, lines: readonly string[]): Promise<Manifest[]> {
    const folder = await mkdtemp(path.join(tmpdir(), 'mdhcp-overlay-'))
    folders.push(folder)
    const at = (...parts: string[]) => path.relative(folder, packageFile('deploy', ...parts))
    const follow = base.endsWith('cert-manager') ? ['follow', 'components/cert-manager/follow'] : ['follow']
    const text = [`resources: [${at(base)}]`, `transformers: [${follow.map((one) => at(one))}]`, ...lines]
    await writeFile(path.join(folder, 'kustomization.yaml'), `${text.join('\n')}\n`)
    return build(folder)
  }

  test('names the image once: the agents get it too', async () => {
    const manifests = await overlayOf('overlays/default', [
      'images: [{ name: managed-dhcp, newName: "registry.example.com:5000/net/mdhcp", newTag: "1.2.3" }]',
    ])
    const ours = workloads(manifests).filter(({ metadata }) => metadata.name !== 'managed-dhcp-nats')
    const images = ours.flatMap((each) => containers(each).map(({ image }) => image))
    expect(new Set(images)).toEqual(new Set(['registry.example.com:5000/net/mdhcp:1.2.3']))
    const args = expandedArguments(container(workload(manifests, 'managed-dhcp-controller'), 'controller'))
    expect(args[args.indexOf('--agent-image') + 1]).toBe('registry.example.com:5000/net/mdhcp:1.2.3')
  })

  test.each(['overlays/default', 'overlays/cert-manager', 'overlays/monitoring', 'base'])(
    'over %s moves all of it to another namespace',
    async (base) => {
      const manifests = await overlayOf(base, ['namespace: elsewhere'])
      expect(JSON.stringify(manifests)).not.toContain('harvester-system')
      const { webhooks } = z
        .object({
          webhooks: z.array(
            z.object({
              clientConfig: z.object({ service: z.object({ namespace: z.string() }) }),
              matchConditions: z.array(z.object({ expression: z.string() })),
            }),
          ),
        })
        .parse(find(manifests, 'ValidatingWebhookConfiguration', 'managed-dhcp'))
      expect(webhooks[0]?.clientConfig.service.namespace).toBe('elsewhere')
      expect(webhooks[0]?.matchConditions[0]?.expression).toBe(
        "request.userInfo.username != 'system:serviceaccount:elsewhere:managed-dhcp-controller'",
      )
    },
  )
})
