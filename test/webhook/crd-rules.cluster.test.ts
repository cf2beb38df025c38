import { execFile, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadAll } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { kubeObjectSchema } from '../../src/api/object.ts'
import { packageFile } from '../../src/runtime/package-root.ts'
import { type ControlPlane, sharedControlPlane } from '../cluster/control-plane/control-plane.ts'
import { installOldDefinition } from '../cluster/takeover/old-add-on.ts'
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
    [
      'names of every kind',
      {
        domainName: 'Example.com.',
        domainSearch: ['_tcp.example.com', 'a'],
        ntp: ['pool.ntp.org', '10.0.0.1'],
      },
    ],
    ['no domain name', { domainName: '' }],
    [
      'as many excluded addresses as there may be',
      {
        ...{ cidr: '10.0.0.0/8', serverIP: '10.0.0.1', router: null },
        pool: {
          exclude: Array.from({ length: 65_536 }, (_, index) => `10.100.${index >> 8}.${index & 255}`),
        },
      },
    ],
    [
      'as many as the API server looks at',
      {
        ...{ cidr: '10.0.0.0/8', serverIP: '10.0.0.1', router: null },
        pool: { exclude: Array.from({ length: 1024 }, (_, index) => `10.100.${index >> 8}.${index & 255}`) },
      },
    ],
    [
      'a /31, both addresses of which are hosts',
      { cidr: '10.0.0.0/31', serverIP: '10.0.0.0', router: '10.0.0.1', pool: null },
    ],
    ['a /32', { cidr: '10.0.0.1/32', serverIP: '10.0.0.1', router: null, pool: null }],
  ])('%s', (_, changes) => {
    expect(answerTo(pool(changes))).toBe('accepted')
  })

  test('either spelling of the networks, and both where one is empty', () => {
    const networks = [nic('CA-70-82-E6-84-6E')]
    expect(answerTo(config({ networkConfig: networks }))).toBe('accepted')
    expect(answerTo(config({ networkConfigs: networks, networkConfig: [] }))).toBe('accepted')
  })

  test('one MAC address on two networks, and as many NICs as there may be', () => {
    const mac = 'ca:70:82:e6:84:6e'
    const networks = Array.from({ length: 64 }, (_, index) => ({
      macAddress: mac,
      networkName: `${'n'.repeat(253)}/${'n'.repeat(250)}${index}`,
    }))
    expect(answerTo(config({ networkConfig: networks }))).toBe('accepted')
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
    [{ serverIP: '192.168.48.0' }, OUTSIDE],
    [{ router: '192.168.48.255' }, OUTSIDE],
    [{ pool: { start: '192.168.48.0', end: '192.168.48.9' } }, OUTSIDE],
    [{ pool: { start: '192.168.48.9', end: '192.168.48.255' } }, OUTSIDE],
    [
      { pool: { start: '192.168.48.81', end: '192.168.48.90', exclude: ['192.168.48.82', '192.168.49.1'] } },
      'spec.ipv4Config.cidr: Invalid value: must contain all of pool.exclude',
    ],
    [{ domainName: 'a b' }, 'spec.ipv4Config.domainName: Invalid value'],
    [{ domainSearch: ['example.com', '$(reboot)'] }, 'spec.ipv4Config.domainSearch[1]: Invalid value'],
    [{ ntp: ['-x.example.com'] }, 'spec.ipv4Config.ntp[0]: Invalid value'],
    [{ ntp: ['1.2.3'] }, 'spec.ipv4Config.ntp[0]: Invalid value: "1.2.3": must be an address or a name'],
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

  test('one MAC address twice on one network, in whatever form', () => {
    const networks = [nic('ca:70:82:e6:84:6e'), nic('CA-70-82-E6-84-6E')]
    for (const spelling of ['networkConfig', 'networkConfigs']) {
      expect(answerTo(config({ [spelling]: networks }))).toContain(
        `spec.${spelling}: Invalid value: must not name a macAddress twice on one network`,
      )
    }
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

/** The old add-on's definition has no rules; ours must let what it let, or nobody could take it over. */
describe('from before there were rules', () => {
  const DEFINITION = 'ippools.network.harvesterhci.io'
  const finalizers = ['example.com/of-old']
  const LONG_NAME = 'n'.repeat(64)
  const old = (name: string, changes: Record<string, unknown>) => ({
    ...pool(changes),
    metadata: { ...metadata(name), finalizers },
  })
  const range = { start: '192.168.48.81', end: '192.168.48.90' }
  const pools = [
    old('server-outside', { serverIP: '10.0.0.1' }),
    old('start-above-end', { pool: { start: range.end, end: range.start } }),
    old('router-is-server', { router: '192.168.48.77' }),
    old('broadcast-in-range', { pool: { ...range, end: '192.168.48.255' } }),
    old('excluded-outside', { pool: { ...range, exclude: ['192.168.49.1'] } }),
    old('no-domain', { domainName: 'a b' }),
    old(LONG_NAME, {}),
  ]
  const isRefused = (is: boolean) =>
    vi.waitFor(() => expect(answerTo(old('outside', { router: '10.0.0.2' })) !== 'accepted').toBe(is), {
      timeout: 60_000,
      interval: 250,
    })
  const edit = (name: string, patch: object, ...args: string[]) =>
    kubectl('-n', NAMESPACE, 'patch', 'ippool', name, '--type=merge', '-p', JSON.stringify(patch), ...args)

  beforeAll(async () => {
    const replace = async (args: readonly string[], input?: string) =>
      spawnSync('kubectl', ['--kubeconfig', controlPlane.kubeconfig, ...args], { input, encoding: 'utf8' })
        .stdout
    const ours = await kubectl('get', 'crd', DEFINITION, '-o', 'json')
    await installOldDefinition(replace, DEFINITION)
    try {
      await isRefused(false)
      for (const object of pools) {
        const created = await replace(['create', '-o', 'name', '-f', '-'], JSON.stringify(object))
        expect(created).toBe(`ippool.network.harvesterhci.io/${object.metadata.name}\n`)
      }
    } finally {
      const { metadata: _, ...definition } = kubeObjectSchema.parse(JSON.parse(ours))
      await replace(['replace', '-f', '-'], JSON.stringify({ ...definition, metadata: { name: DEFINITION } }))
    }
    await isRefused(true)
  }, 180_000)

  test.each(pools.map(({ metadata: { name } }) => [name]))(
    '%s gets its status, is edited and deleted',
    async (name) => {
      const conditions = [{ type: 'Registered', status: 'False', reason: 'Invalid' }]
      await edit(name, { status: { conditions } }, '--subresource=status')
      await edit(name, { status: { conditions, lastUpdate: '2026-01-01T00:00:00Z' } }, '--subresource=status')
      await edit(name, { metadata: { labels: { a: 'b' } }, spec: { paused: true } })
      await edit(name, { spec: { ipv4Config: { leaseTime: 900 } } })
      await expect(edit(name, { spec: { ipv4Config: { dns: ['x'] } } })).rejects.toThrow(/dns/)
      await kubectl('-n', NAMESPACE, 'delete', 'ippool', name, '--wait=false')
      await edit(name, { metadata: { finalizers: null } })

      await expect(kubectl('-n', NAMESPACE, 'get', 'ippool', name)).rejects.toThrow(/not found/)
    },
  )
})

describe('an edit', () => {
  const name = 'edited'
  const edit = (ipv4Config: object) =>
    kubectl(
      '-n',
      NAMESPACE,
      'patch',
      'ippool',
      name,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { ipv4Config } }),
    )

  beforeAll(async () => {
    const { status, stderr } = spawnSync(
      'kubectl',
      ['--kubeconfig', controlPlane.kubeconfig, 'create', '-f', '-'],
      { input: JSON.stringify({ ...pool({}), metadata: metadata(name) }), encoding: 'utf8' },
    )
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  test.each([
    [{ serverIP: '10.0.0.1' }, /must contain serverIP/],
    [{ cidr: '192.168.40.0/24' }, /must contain serverIP/],
    [{ cidr: '192.168.48.64/27' }, /must contain serverIP/],
    [{ router: '192.168.48.77' }, /must differ from serverIP/],
    [{ pool: { start: '192.168.48.99' } }, /must not be above end/],
    [{ pool: { exclude: ['10.0.0.1'] } }, /must contain all of pool.exclude/],
  ])('to %j is refused as for a new pool', async (change, why) => {
    await expect(edit(change)).rejects.toThrow(why)
  })
})
