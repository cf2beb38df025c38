import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import { IP_POOLS, type Resource } from '../../src/api/resource.ts'
import type { EmbeddedApi } from '../../src/embedded/embedded-api.ts'
import { ipPool, openTestApi, refusalOf } from './support.ts'

const builtin = (plural: string, kind: string, namespaced: boolean): Resource => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced,
})
const CONFIG_MAPS = builtin('configmaps', 'ConfigMap', true)
const NAMESPACES = builtin('namespaces', 'Namespace', false)
const DEFINITIONS: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
}

const at = (name: string, namespace = 'default') => ({ namespace, name })

async function namesOf(api: EmbeddedApi, resource: Resource, namespace = 'default'): Promise<string[]> {
  await api.settled()
  return (await api.store.list(resource, { namespace })).items.map((item) => item.metadata.name)
}

const ownedBy = (...owners: { object: KubeObject; block?: boolean }[]) => ({
  ownerReferences: owners.map(({ object, block }) => ({
    apiVersion: object.apiVersion ?? '',
    kind: object.kind ?? '',
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    ...(block ? { blockOwnerDeletion: true } : {}),
  })),
})

async function withPropagation(api: EmbeddedApi, path: string, propagationPolicy: string): Promise<unknown> {
  await api.http.app.ready()
  const answer = await api.http.app.inject({
    method: 'DELETE',
    url: path,
    headers: { 'content-type': 'application/json' },
    payload: { propagationPolicy },
  })
  await api.settled()
  return answer.json()
}

const POOL_URL = '/apis/network.harvesterhci.io/v1alpha1/namespaces/default/ippools/owner'

describe('garbage collection', () => {
  test('what an object owned goes after it, and so on down', async () => {
    const api = await openTestApi()
    const owner = await api.store.create(IP_POOLS, ipPool('owner'))
    const child = await api.store.create(IP_POOLS, ipPool('child', ownedBy({ object: owner })))
    await api.store.create(IP_POOLS, ipPool('grandchild', ownedBy({ object: child })))
    await api.store.create(IP_POOLS, ipPool('other'))
    await api.store.delete(IP_POOLS, at('owner'))
    expect(await namesOf(api, IP_POOLS)).toEqual(['other'])
  })

  test('an object with a second owner stays, without the reference to the first', async () => {
    const api = await openTestApi()
    const [one, two] = [
      await api.store.create(IP_POOLS, ipPool('one')),
      await api.store.create(IP_POOLS, ipPool('two')),
    ]
    await api.store.create(IP_POOLS, ipPool('child', ownedBy({ object: one }, { object: two })))
    await api.store.delete(IP_POOLS, at('one'))
    await api.settled()
    const child = await api.store.get(IP_POOLS, at('child'))
    expect(child.metadata.ownerReferences?.map(({ name }) => name)).toEqual(['two'])
  })

  test('an object whose owner was never there is collected; one whose owner is of an unknown kind is not', async () => {
    const api = await openTestApi()
    const ghost = {
      apiVersion: IP_POOLS.group,
      kind: 'IPPool',
      metadata: { name: 'ghost', uid: 'no-such-uid' },
    }
    const known = { ...ghost, apiVersion: 'network.harvesterhci.io/v1alpha1' }
    await api.store.create(IP_POOLS, ipPool('of-a-ghost', ownedBy({ object: known })))
    await api.store.create(
      IP_POOLS,
      ipPool('of-a-stranger', ownedBy({ object: { ...ghost, apiVersion: 'x.io/v1' } })),
    )
    expect(await namesOf(api, IP_POOLS)).toEqual(['of-a-stranger'])
  })

  test('a new object of the same name is not the owner', async () => {
    const api = await openTestApi()
    const owner = await api.store.create(IP_POOLS, ipPool('owner'))
    await api.store.delete(IP_POOLS, at('owner'))
    await api.store.create(IP_POOLS, ipPool('owner'))
    await api.store.create(IP_POOLS, ipPool('child', ownedBy({ object: owner })))
    expect(await namesOf(api, IP_POOLS)).toEqual(['owner'])
  })

  test('Orphan leaves the dependents, without the reference', async () => {
    const api = await openTestApi()
    const owner = await api.store.create(IP_POOLS, ipPool('owner'))
    await api.store.create(IP_POOLS, ipPool('child', ownedBy({ object: owner })))
    await withPropagation(api, POOL_URL, 'Orphan')
    expect(await namesOf(api, IP_POOLS)).toEqual(['child'])
    expect((await api.store.get(IP_POOLS, at('child'))).metadata.ownerReferences).toBeUndefined()
  })

  test('Foreground keeps the owner until the dependents that block it are gone', async () => {
    const api = await openTestApi()
    const owner = await api.store.create(IP_POOLS, ipPool('owner'))
    const held = { ...ownedBy({ object: owner, block: true }), finalizers: ['example.com/hold'] }
    await api.store.create(IP_POOLS, ipPool('child', held))
    await withPropagation(api, POOL_URL, 'Foreground')
    const waiting = await api.store.get(IP_POOLS, at('owner'))
    expect(waiting.metadata.finalizers).toEqual(['foregroundDeletion'])
    expect((await api.store.get(IP_POOLS, at('child'))).metadata.deletionTimestamp).toBeDefined()
    await api.store.patch(IP_POOLS, at('child'), { type: 'merge', body: { metadata: { finalizers: null } } })
    expect(await namesOf(api, IP_POOLS)).toEqual([])
  })
})

describe('finalizers', () => {
  test('a deletion marks the object once, and nothing can be held any longer by a new finalizer', async () => {
    const api = await openTestApi()
    await api.store.create(IP_POOLS, ipPool('a', { finalizers: ['example.com/hold'] }))
    await api.store.delete(IP_POOLS, at('a'))
    const marked = await api.store.get(IP_POOLS, at('a'))
    await api.store.delete(IP_POOLS, at('a'))
    expect(await api.store.get(IP_POOLS, at('a'))).toEqual(marked)
    expect(marked.metadata).toMatchObject({ generation: 2, deletionGracePeriodSeconds: 0 })
    const more = { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } }
    const refusal = await refusalOf(() => api.store.patch(IP_POOLS, at('a'), { type: 'merge', body: more }))
    expect(refusal.message).toContain('no new finalizers can be added if the object is being deleted')
  })

  test('a status write that comes after the mark does not bring the object back', async () => {
    const api = await openTestApi()
    await api.store.create(IP_POOLS, ipPool('a', { finalizers: ['example.com/hold'] }))
    await api.store.delete(IP_POOLS, at('a'))
    const body = { status: { ipv4: { used: 1 } } }
    await api.store.patch(IP_POOLS, at('a'), { type: 'merge', body }, 'status')
    expect((await api.store.get(IP_POOLS, at('a'))).metadata.deletionTimestamp).toBeDefined()
  })
})

describe('namespaces', () => {
  test('take their content with them, and wait for what a finalizer holds', async () => {
    const api = await openTestApi()
    await api.store.create(NAMESPACES, { metadata: { name: 'short' } })
    await api.store.create(IP_POOLS, ipPool('free', { namespace: 'short' }))
    await api.store.create(IP_POOLS, ipPool('held', { namespace: 'short', finalizers: ['example.com/hold'] }))
    await api.store.create(CONFIG_MAPS, { metadata: { name: 'c', namespace: 'short' } })
    await api.store.delete(NAMESPACES, at('short', ''))
    expect(await namesOf(api, IP_POOLS, 'short')).toEqual(['held'])
    expect(await namesOf(api, CONFIG_MAPS, 'short')).toEqual([])
    expect((await api.store.get(NAMESPACES, at('short', ''))).status).toEqual({ phase: 'Terminating' })
    const late = await refusalOf(() => api.store.create(IP_POOLS, ipPool('late', { namespace: 'short' })))
    expect(late).toMatchObject({ name: 'ForbiddenError', code: 403 })
    const body = { metadata: { finalizers: null } }
    await api.store.patch(IP_POOLS, at('held', 'short'), { type: 'merge', body })
    await api.settled()
    expect((await refusalOf(() => api.store.get(NAMESPACES, at('short', '')))).name).toBe('NotFoundError')
  })

  test('the first ones are there, and the ones that everything needs cannot go', async () => {
    const api = await openTestApi()
    const names = (await api.store.list(NAMESPACES)).items.map((item) => item.metadata.name)
    expect(names).toEqual(['default', 'harvester-system', 'kube-node-lease', 'kube-public', 'kube-system'])
    expect((await refusalOf(() => api.store.delete(NAMESPACES, at('default', '')))).name).toBe(
      'ForbiddenError',
    )
  })
})

describe('definitions', () => {
  test('one that is deleted waits for its objects and then is served no more', async () => {
    const api = await openTestApi()
    await api.store.create(IP_POOLS, ipPool('held', { finalizers: ['example.com/hold'] }))
    await api.store.create(IP_POOLS, ipPool('free'))
    const ended = new Promise<Error | undefined>((resolve) => {
      api.store.watch(IP_POOLS, { resourceVersion: '0' }, { event: () => {}, ended: resolve })
    })
    await api.store.delete(DEFINITIONS, at('ippools.network.harvesterhci.io', ''))
    expect(await namesOf(api, IP_POOLS)).toEqual(['held'])
    await api.store.patch(IP_POOLS, at('held'), { type: 'merge', body: { metadata: { finalizers: null } } })
    await api.settled()
    expect((await refusalOf(() => api.store.list(IP_POOLS))).message).toBe(
      'the server could not find the requested resource',
    )
    expect(await ended).toBeUndefined()
  })

  test.each([
    ['a name that is not plural.group', { group: 'b.io' }, 'metadata.name'],
    ['a schema with an unknown type', { type: 'text' }, 'spec.versions.0.schema.openAPIV3Schema.type'],
    ['a pattern that is none', { pattern: '(' }, 'Invalid regular expression'],
    ['a column whose path cannot be read', { jsonPath: '.a[' }, 'JSONPath .a['],
  ])(
    '%s is refused',
    async (_, { group = 'a.io', type = 'object', pattern, jsonPath = '.a' }: Record<string, string>, why) => {
      const api = await openTestApi()
      const openAPIV3Schema = {
        type,
        properties: { spec: { type: 'string', ...(pattern ? { pattern } : {}) } },
      }
      const refusal = await refusalOf(() =>
        api.store.create(DEFINITIONS, {
          metadata: { name: 'gadgets.a.io' },
          spec: {
            group,
            scope: 'Cluster',
            names: { plural: 'gadgets', kind: 'Gadget' },
            versions: [
              {
                name: 'v1',
                served: true,
                storage: true,
                schema: { openAPIV3Schema },
                additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath }],
              },
            ],
          },
        }),
      )
      expect(refusal).toMatchObject({ name: 'InvalidObjectError', code: 422 })
      expect(refusal.message).toContain(why)
    },
  )
})

describe('admission', () => {
  test('sees every write but those of status, changes objects and refuses them', async () => {
    const seen: string[] = []
    const api = await openTestApi({
      admit: async ({ operation, object, oldObject, resource }) => {
        if (resource.plural !== 'ippools') return { allowed: true }
        seen.push(`${operation} ${(object ?? oldObject)?.metadata.name}`)
        if (object?.metadata.name === 'bad') return { allowed: false, message: 'not this one' }
        if (operation !== 'CREATE' || !object) return { allowed: true }
        return {
          allowed: true,
          object: { ...object, metadata: { ...object.metadata, labels: { admitted: 'yes' } } },
        }
      },
    })
    const created = await api.store.create(IP_POOLS, ipPool('good'))
    expect(created.metadata.labels).toEqual({ admitted: 'yes' })
    await api.store.patch(
      IP_POOLS,
      at('good'),
      { type: 'merge', body: { status: { ipv4: { used: 1 } } } },
      'status',
    )
    await api.store.patch(IP_POOLS, at('good'), { type: 'merge', body: { spec: { paused: true } } })
    await api.store.delete(IP_POOLS, at('good'))
    const refusal = await refusalOf(() => api.store.create(IP_POOLS, ipPool('bad')))
    expect(refusal).toMatchObject({
      name: 'ForbiddenError',
      message: expect.stringContaining('denied the request: not this one'),
    })
    expect(seen).toEqual(['CREATE good', 'UPDATE good', 'DELETE good', 'CREATE bad'])
  })

  test('an object that changes while admission thinks is decided on again', async () => {
    let slow: (() => void) | undefined
    const api = await openTestApi({
      admit: ({ object }) =>
        object?.metadata.labels?.slow && !slow
          ? new Promise((resolve) => {
              slow = () => resolve({ allowed: true })
            })
          : { allowed: true },
    })
    await api.store.create(IP_POOLS, ipPool('a'))
    const patch = (labels: Record<string, string>) =>
      api.store.patch(IP_POOLS, at('a'), { type: 'merge', body: { metadata: { labels } } })
    const slowPatch = patch({ slow: 'x' })
    await patch({ fast: 'x' })
    slow?.()
    expect((await slowPatch).metadata.labels).toEqual({ fast: 'x', slow: 'x' })
  })
})

test('an object above the limit of etcd is refused and the old state stays', async () => {
  const api = await openTestApi()
  await api.store.create(CONFIG_MAPS, { metadata: { name: 'big', namespace: 'default' }, data: {} })
  const body = { data: { text: 'x'.repeat(1_600_000) } }
  const refusal = await refusalOf(() => api.store.patch(CONFIG_MAPS, at('big'), { type: 'merge', body }))
  expect(refusal).toMatchObject({ name: 'UnavailableError', message: 'etcdserver: request is too large' })
  expect((await api.store.get(CONFIG_MAPS, at('big'))).data).toEqual({})
})

test('an event is one object under both of its kinds', async () => {
  const api = await openTestApi()
  const newEvents: Resource = { ...builtin('events', 'Event', true), group: 'events.k8s.io' }
  await api.store.create(newEvents, {
    metadata: { name: 'e', namespace: 'default' },
    regarding: { kind: 'IPPool', name: 'net-48' },
    note: 'hello',
    reason: 'R',
    type: 'Normal',
  })
  const old = await api.store.get(builtin('events', 'Event', true), at('e'))
  expect(old).toMatchObject({ apiVersion: 'v1', message: 'hello', involvedObject: { name: 'net-48' } })
  expect(await api.store.get(newEvents, at('e'))).toMatchObject({
    apiVersion: 'events.k8s.io/v1',
    note: 'hello',
  })
})
