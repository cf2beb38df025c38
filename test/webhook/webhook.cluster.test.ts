import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { loadAll } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { parseCidr } from '../../src/api/values/cidr.ts'
import { seconds } from '../../src/api/values/time.ts'
import { createKubeStore, type KubeStore } from '../../src/kube/client.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { startWebhook, type Webhook } from '../../src/processes/webhook/webhook.ts'
import { packageFile } from '../../src/runtime/package-root.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { type ControlPlane, sharedControlPlane } from '../cluster/control-plane/control-plane.ts'
import { eventually } from '../e2e/support/eventually.ts'
import { poolObject, TEST_MAC } from '../support/objects.ts'
import { recordingLog } from '../support/recording-log.ts'

/** The webhook as kube-apiserver calls it: with the configurations of deploy/base/webhook, but by URL. */

const NAMESPACE = 'webhook-test'
let controlPlane: ControlPlane
let store: KubeStore
let webhook: Webhook

/** Not synchronous: the webhook that the API server asks runs in this process. */
function kubectl(args: string[], input?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', ['--kubeconfig', controlPlane.kubeconfig, ...args])
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8')
      })
    }
    child.on('error', reject)
    child.on('close', () => resolve(output))
    child.stdin.end(input === undefined ? '' : JSON.stringify(input))
  })
}
const apply = (object: object) => kubectl(['apply', '-f', '-'], object)
const metadata = (name: string) => ({ name, namespace: NAMESPACE })
const network = (name: string) => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: metadata(name),
  spec: { config: '{}' },
})
const pool = (name: string, ipv4Config: object) => ({
  apiVersion: 'network.harvesterhci.io/v1alpha1',
  kind: 'IPPool',
  metadata: metadata(name),
  spec: { networkName: name, ipv4Config },
})

const configurationSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  webhooks: z.array(
    z.looseObject({ clientConfig: z.looseObject({ service: z.looseObject({ path: z.string() }) }) }),
  ),
})

/** As they are deployed, but reached on this machine and asked about the namespace of this test alone. */
function configurations(port: number): object[] {
  const text = readFileSync(packageFile('deploy', 'base', 'webhook', 'webhook-configurations.yaml'), 'utf8')
  return loadAll(text).map((document) => {
    const { webhooks, ...configuration } = configurationSchema.parse(document)
    return {
      ...configuration,
      webhooks: webhooks.map(({ clientConfig, ...rest }) => ({
        ...rest,
        clientConfig: { url: `https://localhost:${port}${clientConfig.service.path}` },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': NAMESPACE } },
      })),
    }
  })
}

beforeAll(async () => {
  controlPlane = await sharedControlPlane()
  await kubectl(['create', 'namespace', NAMESPACE])
  const { log } = recordingLog()
  const parts = { clock: systemClock, random: systemRandom, log }
  store = createKubeStore({ ...parts, kubeconfig: controlPlane.kubeconfig })
  webhook = await startWebhook({
    ...parts,
    store,
    metrics: createMetrics({ component: 'webhook', version: 'test', withProcessMetrics: false }),
    host: 'localhost',
    port: 0,
    namespace: NAMESPACE,
    service: 'managed-dhcp-webhook',
    names: ['localhost'],
    serviceCidrs: [parseCidr('10.53.0.0/16')],
  })
  await apply({ apiVersion: 'v1', kind: 'List', items: configurations(webhook.port) })
  await eventually('the webhook is ready', async () => (webhook.ready().ok ? true : undefined), {
    seconds: 60,
  })
  await apply(network('net-1'))
  // The API server hears of the configurations by a watch.
  await eventually(
    'the API server asks the webhook',
    async () => {
      const answer = await kubectl(
        ['create', '--dry-run=server', '-f', '-'],
        pool('none', { cidr: '10.1.0.0/24' }),
      )
      if (!answer.includes('create the VM Network first')) throw new Error(answer)
      return true
    },
    { seconds: 60 },
  )
  // By two watches: of the one configuration perhaps later than of the other.
  await eventually(
    'the API server has the webhook fill in what is not said',
    async () => {
      const serverIP = ['-o', 'jsonpath={.spec.ipv4Config.serverIP}']
      const answer = await kubectl(
        ['create', '--dry-run=server', ...serverIP, '-f', '-'],
        pool('net-1', { cidr: '10.1.0.0/24' }),
      )
      if (answer !== '10.1.0.1') throw new Error(answer)
      return true
    },
    { seconds: 60 },
  )
}, 180_000)
afterAll(async () => {
  for (const kind of ['validatingwebhookconfiguration', 'mutatingwebhookconfiguration']) {
    await kubectl(['delete', kind, 'managed-dhcp'])
  }
  await webhook?.stop(seconds(0))
  store?.close()
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false'])
})

describe('kubectl', () => {
  test('stores a pool that says nothing but its subnet, with the rest filled in', async () => {
    expect(await apply(pool('net-1', { cidr: '10.1.0.0/24', router: '10.1.0.1' }))).toBe(
      'ippool.network.harvesterhci.io/net-1 created\n',
    )
    const stored = JSON.parse(
      await kubectl(['-n', NAMESPACE, 'get', 'ippools.network', 'net-1', '-o', 'json']),
    )
    expect(stored.spec).toEqual({
      networkName: `${NAMESPACE}/net-1`,
      ipv4Config: {
        cidr: '10.1.0.0/24',
        router: '10.1.0.1',
        serverIP: '10.1.0.2',
        pool: { start: '10.1.0.3', end: '10.1.0.254' },
      },
    })
  })

  test('shows what is wrong with an object, and what to do', async () => {
    expect(await apply(pool('net-2', { cidr: '10.1.0.0/24' }))).toContain(
      `spec.networkName: there is no NetworkAttachmentDefinition ${NAMESPACE}/net-2; create the VM Network first, or correct the name`,
    )
    expect(await apply(pool('net-1', { ...poolObject().spec.ipv4Config, dns: ['0.0.0.0'] }))).toContain(
      'spec.ipv4Config.dns[0]: 0.0.0.0 means "this network" (RFC 791); write the address of a server',
    )
  })

  test('refuses a pool over the addresses of Services, as the API says them', async () => {
    await apply(network('net-3'))
    expect(await apply(pool('net-3', { cidr: '10.96.5.0/24' }))).toContain(
      "spec.ipv4Config.cidr: 10.96.5.0/24 overlaps the addresses of the cluster's Services, 10.96.0.0/16 (ServiceCIDR kubernetes)",
    )
  })

  test('refuses a pool over the addresses of Services that a flag says', async () => {
    await apply(network('net-3'))
    expect(await apply(pool('net-3', { cidr: '10.53.5.0/24' }))).toContain(
      "spec.ipv4Config.cidr: 10.53.5.0/24 overlaps the addresses of the cluster's Services, 10.53.0.0/16 (--service-cidr)",
    )
  })

  const ipv4ConfigOf = async (name: string) =>
    JSON.parse(await kubectl(['-n', NAMESPACE, 'get', 'ippools.network', name, '-o', 'json'])).spec.ipv4Config

  test.each([
    ['net-4', []],
    ['net-5', ['--server-side']],
  ])('applies another subnet with nothing else written (%s, %j)', async (name, flags) => {
    const applied = (ipv4Config: object) => kubectl(['apply', ...flags, '-f', '-'], pool(name, ipv4Config))
    await apply(network(name))
    await applied({ cidr: '10.4.0.0/24' })

    expect(await applied({ cidr: '10.4.0.0/23' })).not.toContain('denied')
    expect(await ipv4ConfigOf(name)).toEqual({
      cidr: '10.4.0.0/23',
      serverIP: '10.4.0.1',
      pool: { start: '10.4.0.2', end: '10.4.1.254' },
    })
    expect(await applied({ cidr: '10.5.0.0/24' })).not.toContain('denied')
    expect(await ipv4ConfigOf(name)).toEqual({
      cidr: '10.5.0.0/24',
      serverIP: '10.5.0.1',
      pool: { start: '10.5.0.2', end: '10.5.0.254' },
    })
    // From now on the end is somebody's.
    const end = '10.5.0.254'
    await applied({ cidr: '10.5.0.0/24', pool: { end } })
    expect(await applied({ cidr: '10.5.0.0/23', pool: { end } })).not.toContain('denied')
    expect(await ipv4ConfigOf(name)).toMatchObject({ pool: { start: '10.5.0.2', end } })
  })

  test('does not delete a pool that is in use, and says whose it is', async () => {
    const status = { ipv4: { allocated: { '10.1.0.9': TEST_MAC } } }
    const key = { namespace: NAMESPACE, name: 'net-1' }
    const patch = ['-n', NAMESPACE, 'patch', 'ippools.network', key.name, '--type=merge']
    await kubectl([...patch, '--subresource=status', '-p', JSON.stringify({ status })])

    expect(await kubectl(['-n', NAMESPACE, 'delete', 'ippools.network', 'net-1'])).toBe(
      'Error from server (Forbidden): admission webhook "validate.network.harvesterhci.io" denied the request: ' +
        `the IPPool is in use: 10.1.0.9 (${TEST_MAC}); remove these VMs, or their interfaces on ${NAMESPACE}/net-1, first\n`,
    )

    await kubectl([...patch, '--subresource=status', '-p', '{"status":{"ipv4":{"allocated":null}}}'])
    expect(await kubectl(['-n', NAMESPACE, 'delete', 'ippools.network', 'net-1'])).toContain('deleted')
  })
})
