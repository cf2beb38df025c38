import { execFile, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadAll } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { kubeObjectSchema } from '../../src/api/object.ts'
import { packageFile } from '../../src/runtime/package-root.ts'
import { type ControlPlane, sharedControlPlane } from '../cluster/control-plane/control-plane.ts'
import { poolObject } from '../support/objects.ts'

/** What a cluster refuses by the CustomResourceDefinitions alone, without the webhook. */

const NAMESPACE = 'crd-rules'
const run = promisify(execFile)
let controlPlane: ControlPlane

const kubectl = async (...args: string[]) => {
  const { stdout } = await run('kubectl', ['--kubeconfig', controlPlane.kubeconfig, ...args])
  return stdout
}

/** What the API server says to the object: its refusal, or 'accepted'. */
function answerTo(object: object): string {
  const { status, stderr } = spawnSync(
    'kubectl',
    ['--kubeconfig', controlPlane.kubeconfig, 'create', '--dry-run=server', '-f', '-'],
    { input: JSON.stringify(object), encoding: 'utf8' },
  )
  return status === 0 ? 'accepted' : stderr
}

const metadata = (name: string) => ({ name, namespace: NAMESPACE })

/** The documentation's pool with other fields; null takes one away. */
function pool(changes: Record<string, unknown>): object {
  const { spec } = poolObject()
  const ipv4Config = Object.entries({ ...spec.ipv4Config, ...changes }).filter(([, value]) => value !== null)
  return {
    ...poolObject(),
    metadata: metadata('pool'),
    spec: { ...spec, ipv4Config: Object.fromEntries(ipv4Config) },
  }
}

function config(spec: object): object {
  return {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'VirtualMachineNetworkConfig',
    metadata: metadata('vm'),
    spec,
  }
}
const nic = (macAddress: string) => ({ macAddress, networkName: 'default/net-48' })

beforeAll(async () => {
  controlPlane = await sharedControlPlane()
  await kubectl('create', 'namespace', NAMESPACE)
})
afterAll(() => kubectl('delete', 'namespace', NAMESPACE, '--wait=false'))

describe('what is accepted', () => {
  const directory = packageFile('deploy', 'examples')
  test.each(readdirSync(directory).filter((file) => /ippool|vmnetcfg/.test(file)))(
    "the documentation's %s, unchanged",
    (file) => {
      for (const document of loadAll(readFileSync(join(directory, file), 'utf8'))) {
        expect(answerTo(kubeObjectSchema.parse(document))).toBe('accepted')
      }
    },
  )

  test.each([
    ['a pool with nothing but its subnet', { serverIP: null, pool: null, router: null }],
    ['a subnet given by one of its addresses', { cidr: '192.168.48.77/24' }],
    ['a range of one address', { pool: { start: '192.168.48.9', end: '192.168.48.9' } }],
    ['every address there is', { cidr: '0.0.0.0/0', pool: { start: '1.0.0.0', end: '255.255.255.254' } }],
    ['a range whose ends sort otherwise as text', { pool: { start: '192.168.48.9', end: '192.168.48.10' } }],
    ['a /32', { cidr: '10.0.0.1/32', serverIP: '10.0.0.1', router: null, pool: null }],
  ])('%s', (_, changes) => {
    expect(answerTo(pool(changes))).toBe('accepted')
  })

  test('either spelling of the networks, and both where one is empty', () => {
    const networks = [nic('CA-70-82-E6-84-6E')]
    expect(answerTo(config({ networkConfig: networks }))).toBe('accepted')
    expect(answerTo(config({ networkConfigs: networks, networkConfig: [] }))).toBe('accepted')
  })
})

describe('what is refused', () => {
  const OUTSIDE =
    'spec.ipv4Config.cidr: Invalid value: must contain serverIP, router, pool.start and pool.end'
  test.each([
    [{ serverIP: '192.168.49.77' }, OUTSIDE],
    [{ router: '10.0.0.1' }, OUTSIDE],
    [{ pool: { start: '192.168.47.255', end: '192.168.48.9' } }, OUTSIDE],
    [{ pool: { start: '192.168.48.9', end: '192.168.49.0' } }, OUTSIDE],
    [{ router: '192.168.48.77' }, 'spec.ipv4Config.router: Invalid value: must differ from serverIP'],
    [
      { pool: { start: '192.168.48.90', end: '192.168.48.81' } },
      'start: Invalid value: must not be above end',
    ],
    [{ cidr: '192.168.48.0/33' }, 'spec.ipv4Config.cidr: Invalid value'],
    [{ cidr: '192.168.300.0/24' }, 'spec.ipv4Config.cidr: Invalid value'],
    [{ cidr: null }, 'spec.ipv4Config.cidr: Required value'],
    [{ serverIP: 'nonsense' }, 'spec.ipv4Config.serverIP: Invalid value'],
  ])('a pool with %j', (changes, problem) => {
    expect(answerTo(pool(changes))).toContain(problem)
  })

  test('a pool with a name that the label of its network cannot hold', () => {
    const named = (length: number) => ({ ...pool({}), metadata: metadata('n'.repeat(length)) })
    expect(answerTo(named(63))).toBe('accepted')
    expect(answerTo(named(64))).toContain('metadata.name is longer than 63 characters')
    // What is sent as the status of a new object does not count.
    expect(answerTo({ ...named(64), status: {} })).toContain('metadata.name is longer than 63 characters')
  })

  test('networks in both spellings at once', () => {
    const networks = [nic('ca:70:82:e6:84:6e')]
    expect(answerTo(config({ networkConfig: networks, networkConfigs: networks }))).toContain(
      'use either networkConfig or networkConfigs, not both',
    )
  })

  test.each(['01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00', '00-00-00-00-00-00'])(
    'the MAC address %s, which no NIC has',
    (mac) => {
      expect(answerTo(config({ networkConfig: [nic(mac)] }))).toContain(
        'must be the address of one NIC, neither a multicast address nor all zeros',
      )
    },
  )
})

describe('a pool with a longer name from before there was a rule', () => {
  const CRD = ['crd', 'ippools.network.harvesterhci.io']
  const RULES = '/spec/versions/0/schema/openAPIV3Schema/x-kubernetes-validations'
  const name = 'n'.repeat(64)
  const old = { ...pool({}), metadata: { ...metadata(name), finalizers: ['example.com/of-old'] } }
  const patchRules = (change: object) =>
    kubectl('patch', ...CRD, '--type=json', '-p', JSON.stringify([{ path: RULES, ...change }]))
  const edit = (patch: object, ...args: string[]) =>
    kubectl('-n', NAMESPACE, 'patch', 'ippool', name, '--type=merge', '-p', JSON.stringify(patch), ...args)

  beforeAll(async () => {
    const { spec } = z
      .object({ spec: z.object({ versions: z.array(z.object({ schema: z.unknown() })) }) })
      .parse(JSON.parse(await kubectl('get', ...CRD, '-o', 'json')))
    const { openAPIV3Schema: root } = z
      .object({ openAPIV3Schema: z.object({ 'x-kubernetes-validations': z.unknown() }) })
      .parse(spec.versions[0]?.schema)
    await patchRules({ op: 'remove' })
    try {
      await vi.waitFor(() => expect(answerTo(old)).toBe('accepted'), { timeout: 20_000, interval: 250 })
      spawnSync('kubectl', ['--kubeconfig', controlPlane.kubeconfig, 'create', '-f', '-'], {
        input: JSON.stringify(old),
      })
    } finally {
      await patchRules({ op: 'add', value: root['x-kubernetes-validations'] })
    }
    const another = { ...old, metadata: metadata(`${name}n`) }
    await vi.waitFor(() => expect(answerTo(another)).not.toBe('accepted'), { timeout: 20_000, interval: 250 })
  }, 60_000)

  test('gets its status, and can be edited and deleted then', async () => {
    const conditions = [{ type: 'Registered', status: 'False', reason: 'InvalidName' }]
    await edit({ status: { conditions } }, '--subresource=status')
    await edit({ status: { conditions, lastUpdate: '2026-01-01T00:00:00Z' } }, '--subresource=status')
    await edit({ metadata: { labels: { a: 'b' } }, spec: { paused: true } })
    await kubectl('-n', NAMESPACE, 'delete', 'ippool', name, '--wait=false')
    await edit({ metadata: { finalizers: null } })

    await expect(kubectl('-n', NAMESPACE, 'get', 'ippool', name)).rejects.toThrow(/not found/)
  })
})
