import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import type { KubeObject } from '../../src/api/object.ts'
import { EVENTS, IP_POOLS, type Resource, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import type { KubeStore } from '../../src/kube/client.ts'
import { createEventRecorder } from '../../src/kube/event-recorder.ts'
import { createInformer } from '../../src/kube/informer.ts'
import { LEASES } from '../../src/kube/lease.ts'
import { eventually } from '../e2e/support/eventually.ts'
import { connect, defineKind, objectOf, parts, refusalOf } from './connect.ts'
import { POOL_SPEC } from './manifests.ts'
import { kubectl, kubectlOk, makeNamespace, startTarget, type Target, uniqueName } from './target.ts'

const CONFIG_MAPS: Resource = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
}
/** The garbage collector of a real cluster looks for new kinds every half minute. */
const COLLECTED = { seconds: 90 }
const COLLECTED_TIMEOUT_MS = 300_000

let target: Target
let store: KubeStore
let namespace: string

beforeAll(async () => {
  target = await startTarget()
  store = connect(target)
  namespace = await makeNamespace(target, 'objects')
})
afterAll(async () => {
  store?.close()
  await target?.cleanup()
})

const keyOf = ({ metadata }: KubeObject) => ({ namespace: metadata.namespace ?? '', name: metadata.name })
const newPool = (metadata: Partial<KubeObject['metadata']> = {}) =>
  store.create(IP_POOLS, objectOf(IP_POOLS, namespace, POOL_SPEC, metadata))
const isGone = async (resource: Resource, object: KubeObject) =>
  /^NotFoundError/.test(await refusalOf(store.get(resource, keyOf(object))).catch(() => '')) || undefined

describe('what an object owns', () => {
  const ownedBy = ({ apiVersion = '', kind = '', metadata }: KubeObject, more = {}) => [
    { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', ...more },
  ]
  const newConfig = (ownerReferences: ReturnType<typeof ownedBy>) => {
    const spec = {
      vmName: 'a',
      networkConfig: [{ macAddress: 'ca:70:82:e6:84:6e', networkName: 'default/net-48' }],
    }
    return store.create(
      VM_NETWORK_CONFIGS,
      objectOf(VM_NETWORK_CONFIGS, namespace, spec, { ownerReferences }),
    )
  }

  test(
    'goes when its last owner is gone, and stays while one is left',
    async () => {
      const [one, two] = [await newPool(), await newPool()]
      const ofOne = await newConfig(ownedBy(one))
      const ofBoth = await newConfig([...ownedBy(one), ...ownedBy(two)])
      await store.delete(IP_POOLS, keyOf(one))
      await eventually('the config of the pool that went', () => isGone(VM_NETWORK_CONFIGS, ofOne), COLLECTED)
      await eventually(
        'the owner that went is named no longer',
        async () => {
          const { ownerReferences = [] } = (await store.get(VM_NETWORK_CONFIGS, keyOf(ofBoth))).metadata
          return ownerReferences.length === 1 ? true : undefined
        },
        COLLECTED,
      )
      await store.delete(IP_POOLS, keyOf(two))
      await eventually('the config of both', () => isGone(VM_NETWORK_CONFIGS, ofBoth), COLLECTED)
    },
    COLLECTED_TIMEOUT_MS,
  )

  test(
    'goes when its owner never was',
    async () => {
      const never = { ...(await newPool()).metadata, uid: '00000000-0000-4000-8000-000000000001' }
      const orphan = await newConfig(ownedBy({ apiVersion: 'v1', kind: 'ConfigMap', metadata: never }))
      await eventually('the config of nobody', () => isGone(VM_NETWORK_CONFIGS, orphan), COLLECTED)
    },
    COLLECTED_TIMEOUT_MS,
  )

  test(
    'with a finalizer outlives its owner until that is taken away',
    async () => {
      const owner = await newPool()
      const owned = await newConfig(ownedBy(owner))
      const finalizers = (list: string[] | null) =>
        store.patch(VM_NETWORK_CONFIGS, keyOf(owned), {
          type: 'merge',
          body: { metadata: { finalizers: list } },
        })
      await finalizers(['example.com/hold'])
      await store.delete(IP_POOLS, keyOf(owner))
      await eventually(
        'the config is marked',
        async () =>
          (await store.get(VM_NETWORK_CONFIGS, keyOf(owned))).metadata.deletionTimestamp === undefined
            ? undefined
            : true,
        COLLECTED,
      )
      await finalizers(null)
      expect(await isGone(VM_NETWORK_CONFIGS, owned)).toBe(true)
    },
    COLLECTED_TIMEOUT_MS,
  )
})

describe('a namespace that is deleted', () => {
  test('waits for what has finalizers, takes nothing new, and then is gone', async () => {
    const doomed = await makeNamespace(target, 'doomed')
    const metadata = { finalizers: ['example.com/hold'] }
    const held = await store.create(IP_POOLS, objectOf(IP_POOLS, doomed, POOL_SPEC, metadata))
    await kubectlOk(target, ['delete', 'namespace', doomed, '--wait=false'])
    await eventually(
      'the pool is marked',
      async () =>
        (await store.get(IP_POOLS, keyOf(held))).metadata.deletionTimestamp === undefined ? undefined : true,
      { seconds: 60 },
    )
    expect(await refusalOf(store.create(IP_POOLS, objectOf(IP_POOLS, doomed, POOL_SPEC)))).toMatch(
      /^ForbiddenError: ippools\.network\.harvesterhci\.io ".*" is forbidden: unable to create new content in namespace .* because it is being terminated$/,
    )
    await store.patch(IP_POOLS, keyOf(held), { type: 'merge', body: { metadata: { finalizers: null } } })
    // A real cluster looks again after half of what it thinks that finalizers take: eight seconds.
    await eventually(
      'the namespace is gone',
      async () =>
        (await kubectl(target, ['get', 'namespace', doomed])).stderr.includes('NotFound') || undefined,
      { seconds: 60 },
    )
  }, 150_000)
})

describe('a Lease', () => {
  const leaseOf = (holderIdentity: string, renewTime: string) =>
    objectOf(LEASES, namespace, { holderIdentity, renewTime, leaseDurationSeconds: 15, leaseTransitions: 0 })

  test('is renewed by whoever read its last state, keeps microseconds, and needs a resourceVersion', async () => {
    const renewTime = '2024-02-15T13:17:21.123456Z'
    const created = await store.create(LEASES, leaseOf('one', renewTime))
    expect(created.spec).toMatchObject({ holderIdentity: 'one', renewTime })
    const renewed = await store.update(LEASES, {
      ...created,
      spec: { ...Object(created.spec), leaseTransitions: 1 },
    })
    expect(renewed.spec).toMatchObject({ leaseTransitions: 1 })
    expect(await refusalOf(store.update(LEASES, created))).toMatch(/^ConflictError/)
    const { resourceVersion: _, ...metadata } = renewed.metadata
    expect(await refusalOf(store.update(LEASES, { ...renewed, metadata }))).toMatch(
      /metadata\.resourceVersion: Invalid value: 0(x0)?: must be specified for an update$/,
    )
  })

  test('is refused when its numbers make no sense', async () => {
    const bad = leaseOf('one', '2024-02-15T13:17:21.000000Z')
    bad.spec = { ...Object(bad.spec), leaseDurationSeconds: 0 }
    expect(await refusalOf(store.create(LEASES, bad))).toContain(
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    )
  })
})

describe('Events', () => {
  test('of the recorder are found in both API groups, and are counted', async () => {
    const pool = await newPool()
    const recorder = createEventRecorder({ ...parts, store, component: 'test', instance: 'here' })
    onTestFinished(() => recorder.close())
    const subject = { resource: IP_POOLS, namespace, name: pool.metadata.name, uid: pool.metadata.uid }
    const event = { type: 'Warning', reason: 'PoolExhausted', message: 'no free address' } as const
    const counted = async (group: Resource) =>
      (await store.list(group, { namespace })).items.filter(
        ({ reason, count, deprecatedCount }) =>
          reason === event.reason && (count ?? deprecatedCount) === expected,
      ).length === 1 || undefined
    let expected = 1
    recorder.record(subject, event)
    await eventually('the event', () => counted(EVENTS))
    expected = 2
    recorder.record(subject, event)
    await eventually('the event, twice', () => counted(EVENTS))
    await eventually('the same, in events.k8s.io', () => counted({ ...EVENTS, group: 'events.k8s.io' }))
    const described = await kubectlOk(target, ['-n', namespace, 'describe', 'ippl', pool.metadata.name])
    expect(described).toMatch(/Warning +PoolExhausted .*x2.* no free address/)
  })
})

describe('a list', () => {
  test('of more than a page is read to its end', async () => {
    const crowded = await makeNamespace(target, 'crowded')
    const names = Array.from({ length: 620 }, (_, index) => `c-${String(index).padStart(4, '0')}`)
    const one = (name: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: crowded },
    })
    await Promise.all(names.map((name) => store.create(CONFIG_MAPS, one(name))))
    const { items } = await store.list(CONFIG_MAPS, { namespace: crowded })
    const ours = items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('c-'))
    expect(ours).toEqual(names)
  })

  test('of a kind that is not installed says so, and not that an object is missing', async () => {
    const unknownGroup = { ...IP_POOLS, group: 'nobody.example.com' }
    const unknownKind = { ...IP_POOLS, plural: 'nothings' }
    for (const missing of [unknownGroup, unknownKind]) {
      expect(await refusalOf(store.list(missing))).toMatch(/^KindNotServedError: /)
      expect(await refusalOf(store.get(missing, { namespace, name: 'a' }))).toMatch(/^KindNotServedError: /)
    }
  })

  test('that begins with what it is not allowed to is refused', async () => {
    const path = `/apis/network.harvesterhci.io/v1alpha1/namespaces/${namespace}/ippools`
    const refused = async (query: string) =>
      (await kubectl(target, ['get', '--raw', `${path}?${query}`])).stderr
    expect(await refused('resourceVersionMatch=Exact')).toContain(
      'resourceVersionMatch is forbidden unless resourceVersion is provided',
    )
    expect(await refused('sendInitialEvents=true')).toContain('sendInitialEvents is forbidden for list')
    expect(await refused('watch=1&sendInitialEvents=true')).toContain(
      'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    )
  })
})

describe('a watch', () => {
  const lineSchema = z.object({
    type: z.string(),
    object: z.looseObject({
      kind: z.string(),
      metadata: z.looseObject({ name: z.string().optional(), resourceVersion: z.string() }),
    }),
  })
  const watch = async (query: string) => {
    const path = `/apis/network.harvesterhci.io/v1alpha1/namespaces/${namespace}/ippools?watch=1&${query}`
    const text = await kubectlOk(target, ['get', '--raw', path])
    return text
      .trim()
      .split('\n')
      .map((line) => lineSchema.parse(JSON.parse(line)))
  }

  /** Makes a pool every few hundred milliseconds until the answer is there. */
  async function whileMaking<T>(elsewhere: string, answer: Promise<T>): Promise<T> {
    let isOver = false
    const over = answer.finally(() => {
      isOver = true
    })
    while (!isOver) {
      await store.create(IP_POOLS, objectOf(IP_POOLS, elsewhere, POOL_SPEC))
      await Promise.race([over, wait(300)])
    }
    return over
  }

  test('is told by a bookmark how far it has come, and goes on from there', async () => {
    // Not of this namespace: only bookmarks tell the watch of them. A real server sends one two seconds before the end.
    const elsewhere = await makeNamespace(target, 'elsewhere')
    const { resourceVersion } = await store.list(IP_POOLS, { namespace })
    const watching = watch(`resourceVersion=${resourceVersion}&allowWatchBookmarks=true&timeoutSeconds=4`)
    const events = await whileMaking(elsewhere, watching)
    expect(events.map(({ type }) => type)).toEqual(events.map(() => 'BOOKMARK'))
    const last = events.at(-1)
    expect(last?.object.kind).toBe('IPPool')
    const mark = last?.object.metadata.resourceVersion ?? ''
    expect(Number(mark)).toBeGreaterThan(Number(resourceVersion))
    const later = await newPool()
    const [next] = await watch(`resourceVersion=${mark}&timeoutSeconds=3`)
    expect(next).toMatchObject({ type: 'ADDED', object: { metadata: { name: later.metadata.name } } })
  })

  test('of a kind that was just defined hears of its objects', async () => {
    const schema = { properties: { size: { type: 'integer' } } }
    const { kind } = await defineKind(target, store, schema)
    const informer = createInformer({ ...parts, store, resource: kind })
    onTestFinished(() => informer.stop())
    informer.start()
    await informer.whenSynced()
    const made = await store.create(kind, objectOf(kind, namespace, { size: 1 }))
    await eventually('the informer has it', () => informer.get(keyOf(made)))
    await store.delete(kind, keyOf(made))
    await eventually('the informer has lost it', () => (informer.list().length === 0 ? true : undefined))
  })
})

describe('an object that is too large', () => {
  test('is refused as a request that cannot succeed, and a smaller one is taken', async () => {
    const name = uniqueName('large')
    const large = (bytes: number) => ({
      ...objectOf(CONFIG_MAPS, namespace, undefined, { name }),
      data: { text: 'x'.repeat(bytes) },
    })
    expect(await refusalOf(store.create(CONFIG_MAPS, large(4 * 1024 * 1024)))).toMatch(
      /^InvalidObjectError: .*[Rr]equest (entity too large|body too large|is too large)/,
    )
    expect((await store.create(CONFIG_MAPS, large(100_000))).metadata.name).toBe(name)
  })
})
