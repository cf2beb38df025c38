import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ipPoolSchema } from '../../src/api/ippool.ts'
import { VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { configObject, poolObject, TEST_MAC } from '../support/objects.ts'
import { answerToPool, clusterWith, stored } from './support.ts'

const CIDR = '192.168.48.0/24'
const bare = (ipv4Config: object, networkName = 'net-48') => {
  const { spec, ...pool } = poolObject()
  return { ...pool, spec: { ...spec, networkName, ipv4Config: { cidr: CIDR, ...ipv4Config } } }
}

test('a pool that says nothing but its subnet is completed and accepted', async () => {
  const complete = await stored(bare({}))

  expect(complete?.spec).toEqual({
    networkName: 'default/net-48',
    ipv4Config: {
      cidr: CIDR,
      serverIP: '192.168.48.1',
      pool: { start: '192.168.48.2', end: '192.168.48.254' },
    },
  })
  expect(await answerToPool(ipPoolSchema.parse(complete))).toBe('allowed')
})

test('the server is put where no VM is, nor may be still', async () => {
  const status = {
    ipv4: {
      allocated: { '192.168.48.2': TEST_MAC },
      resting: { '192.168.48.3': { macAddress: TEST_MAC, until: '2026-01-01T01:00:00Z' } },
    },
  }
  const view = clusterWith({ pools: [poolObject({ metadata: { name: 'going' }, status })] })

  const complete = await stored(bare({ router: '192.168.48.1' }), { view })

  expect(complete?.spec).toMatchObject({ ipv4Config: { serverIP: '192.168.48.4' } })
})

test('a server address that is taken out of the manifest stays what it was, while it fits', async () => {
  const oldObject = poolObject()

  expect((await stored(bare({}), { oldObject }))?.spec).toMatchObject({
    ipv4Config: { serverIP: '192.168.48.77' },
  })
  expect((await stored(bare({ cidr: '10.0.0.0/24' }), { oldObject }))?.spec).toMatchObject({
    ipv4Config: { serverIP: '10.0.0.1' },
  })
})

test('an earlier server address that is no host of the new subnet is not kept', async () => {
  const oldObject = poolObject({ ipv4Config: { serverIP: '192.168.48.128' } })

  expect((await stored(bare({ cidr: '192.168.48.128/25' }), { oldObject }))?.spec).toMatchObject({
    ipv4Config: { serverIP: '192.168.48.129' },
  })
})

describe('when the subnet changes, what admission filled in', () => {
  /** As an API server hands it over: all fields of before, and the new subnet. */
  const withSubnet = async (written: object, cidr: string, metadata: object = {}, view = clusterWith()) => {
    const oldObject = ipPoolSchema.parse(await stored(bare(written), { view }))
    const { spec } = oldObject
    const object = { ...oldObject, spec: { ...spec, ipv4Config: { ...spec.ipv4Config, cidr } } }
    const next = { ...object, metadata: { ...object.metadata, ...metadata } }
    return ipPoolSchema.parse(await stored(next, { oldObject, view })).spec.ipv4Config
  }

  test('follows into another subnet', async () => {
    expect(await withSubnet({}, '10.0.0.0/24')).toEqual({
      cidr: '10.0.0.0/24',
      serverIP: '10.0.0.1',
      pool: { start: '10.0.0.2', end: '10.0.0.254' },
    })
  })

  test('grows with the subnet, and the server stays where it is', async () => {
    expect(await withSubnet({ router: '192.168.48.1' }, '192.168.48.0/23')).toEqual({
      cidr: '192.168.48.0/23',
      router: '192.168.48.1',
      serverIP: '192.168.48.2',
      pool: { start: '192.168.48.3', end: '192.168.49.254' },
    })
  })

  test('is told from what is written beside it', async () => {
    const range = { start: '192.168.48.10', exclude: ['192.168.48.20'] }
    expect(await withSubnet({ serverIP: '192.168.48.77', pool: range }, '192.168.48.0/23')).toEqual({
      cidr: '192.168.48.0/23',
      serverIP: '192.168.48.77',
      pool: { ...range, end: '192.168.49.254' },
    })
  })

  test('is recognised where VMs held lower addresses', async () => {
    const status = { ipv4: { allocated: { '192.168.48.1': TEST_MAC } } }
    const view = clusterWith({ pools: [poolObject({ metadata: { name: 'going' }, status })] })

    expect(await withSubnet({}, '10.0.0.0/24', {}, view)).toMatchObject({ serverIP: '10.0.0.1' })
  })

  const fields = { 'f:serverIP': {}, 'f:pool': { 'f:start': {}, 'f:end': {} } }
  const manifest = bare({ serverIP: '192.168.48.1', pool: { start: '192.168.48.2', end: '192.168.48.254' } })
  test.each([
    ['a manager owns', { managedFields: [{ fieldsV1: { 'f:spec': { 'f:ipv4Config': fields } } }] }],
    [
      'the applied manifest has',
      {
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(manifest),
        },
      },
    ],
  ])('is no value that %s, even where it is the same', async (_, metadata) => {
    expect(await withSubnet({}, '192.168.48.0/23', metadata)).toEqual({
      cidr: '192.168.48.0/23',
      serverIP: '192.168.48.1',
      pool: { start: '192.168.48.2', end: '192.168.48.254' },
    })
  })
})

test("the documentation's objects are stored as they are written", async () => {
  expect(await stored(poolObject())).toEqual(poolObject())
  expect(await stored(configObject(), { resource: VM_NETWORK_CONFIGS })).toEqual(configObject())
})

test('MAC addresses and networks of a VM get one form, and an empty other spelling goes', async () => {
  const written = configObject({
    networks: [],
    spec: { networkConfigs: [{ macAddress: 'CA-70-82-E6-84-6E', networkName: 'net-48' }] },
  })

  expect((await stored(written, { resource: VM_NETWORK_CONFIGS }))?.spec).toEqual({
    vmName: 'test-vm',
    networkConfigs: [{ macAddress: TEST_MAC, networkName: 'default/net-48' }],
  })
})

test('an object whose spec did not change is not touched', async () => {
  const old = bare({})
  expect(
    await stored({ ...old, metadata: { ...old.metadata, labels: { a: 'b' } } }, { oldObject: old }),
  ).toEqual({
    ...old,
    metadata: { ...old.metadata, labels: { a: 'b' } },
  })
})

test('whatever is written, it is answered, and a second look changes nothing', async () => {
  const values = fc.oneof(fc.string(), fc.ipV4(), fc.constantFrom('', CIDR, '10.0.0.0/30', '0.0.0.0/0'))
  const specs = fc.record(
    {
      networkName: values,
      ipv4Config: fc.record(
        {
          cidr: values,
          serverIP: values,
          router: values,
          pool: fc.record({ start: values, end: values, exclude: fc.array(values) }, { requiredKeys: [] }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(specs, async (spec) => {
      const once = await stored({ ...poolObject(), spec })
      expect(once && (await stored(once))).toEqual(once)
    }),
  )
})
