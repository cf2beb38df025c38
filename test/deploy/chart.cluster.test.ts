import { describe, expect, test } from 'vitest'
import { packageFile } from '../../src/runtime/package-root.ts'
import { buildOverlay, type Manifest, nameOf, type Overlay, parseManifests } from './support/kustomize.ts'
import { outcomeOf, tool } from './support/tools.ts'
import { container, containers, expandedArguments, workload, workloads } from './support/workloads.ts'

const CHART = packageFile('deploy', 'chart')

async function helm(args: readonly string[]) {
  return outcomeOf(await tool('helm'), args)
}

/** `helm template`, into harvester-system unless the arguments say where. */
async function render(...args: string[]): Promise<Manifest[]> {
  const common = ['template', 'managed-dhcp', CHART, '--kube-version', '1.32.0', '--include-crds']
  const { code, stdout, stderr } = await helm([...common, '--namespace', 'harvester-system', ...args])
  if (code !== 0) throw new Error(stderr)
  return parseManifests(stdout)
}

/**
 * By kind and name. What Kubernetes assumes for an image with a tag is said by the chart, and not by the bases; and
 * kustomize breaks the lines of CEL rules anew, where they mean nothing.
 */
function byName(manifests: readonly Manifest[]): Map<string, unknown> {
  const same = (key: string, value: unknown) => {
    if (key === 'imagePullPolicy' && value === 'IfNotPresent') return undefined
    return key === 'rule' && typeof value === 'string' ? value.replaceAll(/\s+/g, ' ') : value
  }
  return new Map(manifests.map((one) => [nameOf(one), JSON.parse(JSON.stringify(one, same))]))
}

test('helm lint finds nothing, with every value that changes objects', async () => {
  const values = ['nats.cluster=true', 'webhook.certManager=true', 'serviceMonitor.enabled=true']
  for (const args of [[], ['--set', values.join(',')]]) {
    const { code, stdout } = await helm(['lint', '--strict', '--kube-version', '1.32.0', CHART, ...args])
    expect(stdout).toContain('0 chart(s) failed')
    expect(code).toBe(0)
  }
})

const SAME: [Overlay, string][] = [
  ['default', 'controller.replicas=2'],
  ['nats-cluster', 'nats.cluster=true'],
  ['existing-nats', 'nats.enabled=false,nats.url=nats://nats.nats.svc:4222'],
  ['cert-manager', 'webhook.certManager=true'],
  ['monitoring', 'serviceMonitor.enabled=true'],
]

test.each(SAME)('what the overlay %s builds is what the chart gives with %s', async (overlay, values) => {
  const given = byName(await render('--set', values))
  const expected = byName(await buildOverlay(overlay))
  expect([...given.keys()].sort()).toEqual([...expected.keys()].sort())
  for (const [name, object] of expected) expect(given.get(name), name).toEqual(object)
})

test('a Kubernetes that would not let old pools be taken over is refused', async () => {
  await expect(render('--kube-version', '1.29.9')).rejects.toThrow(/requires kubeVersion: >=1\.30/)
})

describe('a value', () => {
  test('of the image is that of all three components and of the agents', async () => {
    const manifests = await render('--set', 'image.repository=registry.example.com/mdhcp,image.tag=9.9')
    const images = workloads(manifests)
      .filter(({ metadata }) => metadata.name !== 'managed-dhcp-nats')
      .flatMap((one) => containers(one).map(({ image }) => image))
    expect(new Set(images)).toEqual(new Set(['registry.example.com/mdhcp:9.9']))
    const args = expandedArguments(container(workload(manifests, 'managed-dhcp-controller'), 'controller'))
    expect(args[args.indexOf('--agent-image') + 1]).toBe('registry.example.com/mdhcp:9.9')
  })

  test('of the namespace of the release leaves none of the other', async () => {
    const manifests = await render('--namespace', 'elsewhere', '--set', 'webhook.certManager=true')
    expect(JSON.stringify(manifests)).not.toContain('harvester-system')
  })

  test('of pull secrets reaches every ServiceAccount, so that of the agents too', async () => {
    const manifests = await render('--set', 'image.pullSecrets={one,two}')
    const accounts = manifests.filter(({ kind }) => kind === 'ServiceAccount')
    expect(accounts).toHaveLength(4)
    for (const { imagePullSecrets } of accounts)
      expect(imagePullSecrets).toEqual([{ name: 'one' }, { name: 'two' }])
  })

  test('of replicas, resources, node selector and tolerations goes where it says', async () => {
    const manifests = await render(
      '--set',
      'controller.replicas=1,controller.resources.limits.memory=2Gi,controller.nodeSelector.role=control',
      '--set',
      'controller.tolerations[0].operator=Exists',
    )
    expect(workload(manifests, 'managed-dhcp-controller').spec).toMatchObject({
      replicas: 1,
      template: { spec: { nodeSelector: { role: 'control' }, tolerations: [{ operator: 'Exists' }] } },
    })
    const { resources } = container(workload(manifests, 'managed-dhcp-controller'), 'controller')
    expect(resources).toMatchObject({ limits: { memory: '2Gi' }, requests: { cpu: '50m' } })
    expect(workload(manifests, 'managed-dhcp-webhook').spec.replicas).toBe(2)
  })

  test('of the addresses of Services is told to the webhook', async () => {
    const manifests = await render('--set', 'webhook.serviceCidrs={10.53.0.0/16,10.54.0.0/16}')
    const { args } = container(workload(manifests, 'managed-dhcp-webhook'), 'webhook')
    expect(args.slice(-4)).toEqual(['--service-cidr', '10.53.0.0/16', '--service-cidr', '10.54.0.0/16'])
  })

  test('of another port of your broker opens that port, and not the other', async () => {
    const urls = ['tls://nats.example.com:443', 'nats://10.0.0.1', 'nats://[fd00::1]:5222'].join('\\,')
    const manifests = await render('--set', `nats.enabled=false,nats.url=${urls}`)
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy')
    for (const name of ['managed-dhcp-controller', 'managed-dhcp-agent']) {
      expect(policies.find(({ metadata }) => metadata.name === name)?.spec).toMatchObject({
        egress: expect.arrayContaining([{ ports: [{ port: 443 }, { port: 4222 }, { port: 5222 }] }]),
      })
    }
  })

  test('of an authority reaches the controller, which tells its agents', async () => {
    const manifests = await render(
      ...['--set', 'nats.enabled=false,nats.url=tls://nats.example.com:443,nats.caConfigMap=my-ca'],
    )
    const { spec } = workload(manifests, 'managed-dhcp-controller')
    expect(spec.template).toMatchObject({
      spec: {
        volumes: [{ name: 'nats-ca', configMap: { name: 'my-ca' } }],
        containers: [
          {
            volumeMounts: [{ name: 'nats-ca', mountPath: '/etc/managed-dhcp/nats-ca', readOnly: true }],
            env: expect.arrayContaining([
              { name: 'NATS_CA_FILE', value: '/etc/managed-dhcp/nats-ca/ca.crt' },
              { name: 'NATS_CA_CONFIG_MAP', value: 'my-ca' },
            ]),
          },
        ],
      },
    })
  })

  test('of three brokers brings nothing where there is to be none', async () => {
    const manifests = await render('--set', 'nats.enabled=false,nats.url=nats://n,nats.cluster=true')
    expect(manifests.map(nameOf).filter((name) => name.includes('managed-dhcp-nats'))).toEqual([])
  })

  test.each([
    ['nats.caConfigMap=my-ca', /nats\.caConfigMap is for a broker of yours/],
    ['nats.enabled=false', /nats\.url must say where your broker is/],
    ['controler.replicas=3', /controler/],
    ['image.pullPolicy=Sometimes', /pullPolicy/],
  ])('that cannot be obeyed is refused with what to do: %s', async (values, message) => {
    await expect(render('--set', values)).rejects.toThrow(message)
  })
})
