import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import { IP_POOLS } from '../../src/api/resource.ts'
import type { KubeStore } from '../../src/kube/client.ts'
import { eventually } from '../e2e/support/eventually.ts'
import { connect, defineKind, objectOf, refusalOf } from './connect.ts'
import { POOL_SPEC } from './manifests.ts'
import { makeNamespace, startTarget, type Target, uniqueName } from './target.ts'

let target: Target
let store: KubeStore
let namespace: string

beforeAll(async () => {
  target = await startTarget()
  store = connect(target)
  namespace = await makeNamespace(target, 'refusals')
})
afterAll(async () => {
  store?.close()
  await target?.cleanup()
})

const keyOf = ({ metadata }: KubeObject) => ({ namespace, name: metadata.name })
const string = { type: 'string' }

describe('what breaks its schema is refused in these words', () => {
  const keyed = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: { type: 'object', required: ['k'], properties: { k: string, v: string } },
  }
  const cases: [field: Record<string, unknown>, value: unknown, words: string][] = [
    [string, 5, 'spec.f: Invalid value: "integer": spec.f in body must be of type string: "integer"'],
    [
      { type: 'object', properties: { a: string } },
      ['x'],
      'spec.f: Invalid value: "array": spec.f in body must be of type object: "array"',
    ],
    [{ type: 'object', required: ['a'], properties: { a: string } }, {}, 'spec.f.a: Required value'],
    [
      { type: 'integer', minimum: 1 },
      0,
      'spec.f: Invalid value: 0: spec.f in body should be greater than or equal to 1',
    ],
    [
      { type: 'integer', minimum: 1, exclusiveMinimum: true },
      1,
      'spec.f: Invalid value: 1: spec.f in body should be greater than 1',
    ],
    [
      { type: 'integer', maximum: 9 },
      10,
      'spec.f: Invalid value: 10: spec.f in body should be less than or equal to 9',
    ],
    [
      { ...string, minLength: 2 },
      'a',
      'spec.f: Invalid value: "a": spec.f in body should be at least 2 chars long',
    ],
    [{ ...string, maxLength: 2 }, 'abc', 'spec.f: Too long: may not be more than 2 bytes'],
    [
      { ...string, pattern: '^[a-z]+$' },
      'AB',
      'spec.f: Invalid value: "AB": spec.f in body should match \'^[a-z]+$\'',
    ],
    [{ ...string, enum: ['x', 'y'] }, 'z', 'spec.f: Unsupported value: "z": supported values: "x", "y"'],
    [
      { ...string, format: 'ipv4' },
      '300.1.1.1',
      'spec.f: Invalid value: "300.1.1.1": spec.f in body must be of type ipv4: "300.1.1.1"',
    ],
    [
      { ...string, format: 'mac' },
      'zz',
      'spec.f: Invalid value: "zz": spec.f in body must be of type mac: "zz"',
    ],
    [
      { type: 'array', items: string, minItems: 1 },
      [],
      'spec.f: Invalid value: 0: spec.f in body should have at least 1 items',
    ],
    [
      { type: 'array', items: string, maxItems: 2 },
      ['a', 'b', 'c'],
      'spec.f: Too many: 3: must have at most 2 items',
    ],
    [
      { type: 'object', additionalProperties: string, maxProperties: 1 },
      { a: '1', b: '2' },
      'spec.f: Too many: 2: must have at most 1 item',
    ],
    [
      { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
      ['a', 'a'],
      'spec.f[1]: Duplicate value: "a"',
    ],
    [keyed, [{ k: 'a', v: '1' }, { k: 'a' }], 'spec.f[1]: Duplicate value: {"k":"a"}'],
    [keyed, [{ v: '1' }], 'spec.f[0].k: Required value'],
    [
      { 'x-kubernetes-int-or-string': true },
      true,
      'spec.f: Invalid value: "boolean": spec.f in body must be of type integer,string: "boolean"',
    ],
  ]

  test('one field at a time', async () => {
    const properties = Object.fromEntries(cases.map(([field], index) => [`f${index}`, field]))
    const { kind } = await defineKind(target, store, { properties })
    for (const [index, [, value, words]] of cases.entries()) {
      const object = objectOf(kind, namespace, { [`f${index}`]: value })
      const refusal = await refusalOf(store.create(kind, object))
      const { name } = object.metadata
      const expected = words.replaceAll('spec.f', `spec.f${index}`)
      expect(refusal).toBe(`InvalidObjectError: Gadget.${kind.group} "${name}" is invalid: ${expected}`)
    }
  })

  test('and what fits is taken', async () => {
    const formats = { mac: 'mac', duration: 'duration', cidr: 'cidr', time: 'date-time' }
    const properties = Object.fromEntries(
      Object.entries(formats).map(([name, format]) => [name, { ...string, format }]),
    )
    const { kind } = await defineKind(target, store, { properties: { ...properties, keyed } })
    const spec = {
      mac: '0200.5e00.0001',
      duration: '1h30m',
      cidr: '192.168.48.0/24',
      time: '2024-02-15T13:17:21Z',
      keyed: [{ k: 'a' }, { k: 'b' }],
    }
    expect((await store.create(kind, objectOf(kind, namespace, spec))).spec).toEqual(spec)
  })
})

describe('a definition that becomes stricter', () => {
  test('lets what broke no rule when it was made be changed elsewhere, and refuses what is changed to break it', async () => {
    const schema = (maximum: number) => ({
      properties: { size: { type: 'integer', maximum }, colour: string },
    })
    const { kind, redefine } = await defineKind(target, store, schema(9))
    const old = await store.create(kind, objectOf(kind, namespace, { size: 9, colour: 'red' }))
    await redefine(schema(5))
    const patch = (body: Record<string, unknown>, subresource?: 'status') =>
      store.patch(kind, keyOf(old), { type: 'merge', body }, subresource)
    await eventually('the stricter schema is in force', async () => {
      const dryRun = objectOf(kind, namespace, { size: 9 })
      const refusal = await refusalOf(store.create(kind, dryRun)).catch(() => undefined)
      return refusal?.includes('spec.size in body should be less than or equal to 5') || undefined
    })
    expect((await patch({ spec: { colour: 'blue' } })).spec).toEqual({ size: 9, colour: 'blue' })
    expect((await patch({ metadata: { labels: { a: 'b' } } })).metadata.labels).toEqual({ a: 'b' })
    expect((await patch({ status: { seen: true } }, 'status')).status).toEqual({ seen: true })
    expect(await refusalOf(patch({ spec: { size: 8 } }))).toContain(
      'spec.size: Invalid value: 8: spec.size in body should be less than or equal to 5',
    )
  })
})

describe('names and metadata', () => {
  const create = (metadata: Partial<KubeObject['metadata']>) =>
    refusalOf(store.create(IP_POOLS, objectOf(IP_POOLS, namespace, POOL_SPEC, metadata)))

  test('a name has to be a DNS name of at most 253 characters', async () => {
    expect(await create({ name: 'Net_48' })).toContain(
      'metadata.name: Invalid value: "Net_48": a lowercase RFC 1123 subdomain must consist of',
    )
    expect(await create({ name: 'n'.repeat(254) })).toMatch(
      /metadata\.name: Invalid value: "n+": must be no more than 253 characters/,
    )
  })

  test('an owner has to be named in full', async () => {
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: '' }
    expect(await create({ ownerReferences: [owner] })).toContain(
      'metadata.ownerReferences[0].uid: Required value: must not be empty',
    )
  })

  test('a name whose object is being deleted is still taken', async () => {
    const name = uniqueName('going')
    const object = objectOf(IP_POOLS, namespace, POOL_SPEC, { name, finalizers: ['example.com/hold'] })
    await store.create(IP_POOLS, object)
    await store.delete(IP_POOLS, keyOf(object))
    expect(await create({ name })).toBe(
      `AlreadyExistsError: object is being deleted: ippools.network.harvesterhci.io "${name}" already exists`,
    )
    await store.patch(IP_POOLS, keyOf(object), { type: 'merge', body: { metadata: { finalizers: null } } })
  })
})

describe('a deletion of another state', () => {
  test('says which uid or resourceVersion was meant and which there is', async () => {
    const pool = await store.create(IP_POOLS, objectOf(IP_POOLS, namespace, POOL_SPEC))
    const { name, uid, resourceVersion } = pool.metadata
    const words = `ConflictError: Operation cannot be fulfilled on IPPool.network.harvesterhci.io "${name}": the`
    expect(await refusalOf(store.delete(IP_POOLS, keyOf(pool), { uid: 'another' }))).toBe(
      `${words} UID in the precondition (another) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    )
    expect(await refusalOf(store.delete(IP_POOLS, keyOf(pool), { resourceVersion: '1' }))).toBe(
      `${words} ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    )
  })
})

describe('patches', () => {
  const newPool = () => store.create(IP_POOLS, objectOf(IP_POOLS, namespace, POOL_SPEC))

  test('a merge patch for another uid is refused as invalid', async () => {
    const pool = await newPool()
    const body = { metadata: { uid: '00000000-0000-4000-8000-000000000000' }, spec: { paused: true } }
    expect(await refusalOf(store.patch(IP_POOLS, keyOf(pool), { type: 'merge', body }))).toMatch(
      /^InvalidObjectError: .* metadata\.uid: Invalid value: "00000000-.*": field is immutable$/,
    )
  })

  test('a JSON patch may replace a field that is not there, and remove only one that is', async () => {
    const pool = await newPool()
    const patch = (op: 'replace' | 'remove', path: string) =>
      store.patch(IP_POOLS, keyOf(pool), { type: 'json', body: [{ op, path, value: true }] })
    expect((await patch('replace', '/spec/paused')).spec).toMatchObject({ paused: true })
    expect(await refusalOf(patch('remove', '/spec/nothing'))).toMatch(
      /^InvalidObjectError: the server rejected/,
    )
    expect(await refusalOf(patch('replace', '/spec/nothing/below'))).toMatch(
      /^InvalidObjectError: the server/,
    )
  })

  test('a JSON patch may not take the name away', async () => {
    const pool = await newPool()
    const body = [{ op: 'remove' as const, path: '/metadata/name' }]
    expect(await refusalOf(store.patch(IP_POOLS, keyOf(pool), { type: 'json', body }))).toBe(
      `InvalidObjectError: the name of the object (${pool.metadata.name} based on URL) was undeterminable: name must be provided`,
    )
  })

  test('an object that is being deleted gets no new finalizer, and does not come back', async () => {
    const metadata = { finalizers: ['example.com/hold'] }
    const pool = await store.create(IP_POOLS, objectOf(IP_POOLS, namespace, POOL_SPEC, metadata))
    await store.delete(IP_POOLS, keyOf(pool))
    const patch = (body: Record<string, unknown>) =>
      store.patch(IP_POOLS, keyOf(pool), { type: 'merge', body: { metadata: body } })
    expect(await refusalOf(patch({ finalizers: ['example.com/hold', 'example.com/more'] }))).toContain(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/more"}',
    )
    expect((await patch({ deletionTimestamp: null })).metadata.deletionTimestamp).toMatch(/Z$/)
    await patch({ finalizers: [] })
    expect(await refusalOf(store.get(IP_POOLS, keyOf(pool)))).toMatch(/^NotFoundError/)
  })
})
