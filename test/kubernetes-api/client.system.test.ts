import {
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
  Watch,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { POOL_SPEC } from './manifests.ts'
import { startTarget, type Target, uniqueName } from './target.ts'

const POOLS = { group: 'network.harvesterhci.io', version: 'v1alpha1', plural: 'ippools' }

let target: Target
let config: KubeConfig
let core: CoreV1Api
let custom: CustomObjectsApi
let namespace: string

beforeAll(async () => {
  target = await startTarget()
  config = new KubeConfig()
  config.loadFromFile(target.kubeconfigPath)
  core = config.makeApiClient(CoreV1Api)
  custom = config.makeApiClient(CustomObjectsApi)
  namespace = uniqueName('client')
  await core.createNamespace({ body: { metadata: { name: namespace } } })
})
afterAll(() => target?.cleanup())

const objectSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.number().optional(),
  }),
})

function pool(name = uniqueName('pool')) {
  return {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    metadata: { name, namespace },
    spec: structuredClone(POOL_SPEC),
  }
}

async function createPool() {
  const body = pool()
  return objectSchema.parse(await custom.createNamespacedCustomObject({ ...POOLS, namespace, body }))
}

/** The Status that a request is refused with. */
async function refusal(request: Promise<unknown>) {
  try {
    await request
  } catch (error) {
    if (!(error instanceof ApiException)) throw error
    const body: unknown = typeof error.body === 'string' ? JSON.parse(error.body) : error.body
    return { code: error.code, ...z.looseObject({ reason: z.string(), message: z.string() }).parse(body) }
  }
  throw new Error('it was not refused')
}

const MERGE = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)

describe('CustomObjectsApi', () => {
  test('creates, reads, lists, patches and deletes', async () => {
    const created = await createPool()
    const at = { ...POOLS, namespace, name: created.metadata.name }
    expect(objectSchema.parse(await custom.getNamespacedCustomObject(at))).toEqual(created)
    const list = z
      .object({ kind: z.literal('IPPoolList'), items: z.array(objectSchema) })
      .parse(await custom.listNamespacedCustomObject({ ...POOLS, namespace }))
    expect(list.items.map((item) => item.metadata.name)).toContain(at.name)
    const patched = objectSchema.parse(
      await custom.patchNamespacedCustomObject({ ...at, body: { spec: { paused: true } } }, MERGE),
    )
    expect(patched).toMatchObject({ spec: { paused: true }, metadata: { generation: 2 } })
    await custom.deleteNamespacedCustomObject(at)
    expect(await refusal(custom.getNamespacedCustomObject(at))).toMatchObject({
      code: 404,
      reason: 'NotFound',
    })
  })

  test('a name that is taken is AlreadyExists', async () => {
    const created = await createPool()
    const body = pool(created.metadata.name)
    expect(await refusal(custom.createNamespacedCustomObject({ ...POOLS, namespace, body }))).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: `ippools.network.harvesterhci.io "${created.metadata.name}" already exists`,
    })
  })

  test('a stale status is a Conflict, and the fresh one keeps the spec', async () => {
    const created = await createPool()
    const at = { ...POOLS, namespace, name: created.metadata.name }
    const body = { ...created, spec: {}, status: { ipv4: { used: 1 } } }
    const updated = await custom.replaceNamespacedCustomObjectStatus({
      ...at,
      body: { ...body, spec: POOL_SPEC },
    })
    expect(updated).toMatchObject({
      spec: POOL_SPEC,
      status: { ipv4: { used: 1 } },
      metadata: { generation: 1 },
    })
    const stale = custom.replaceNamespacedCustomObjectStatus({ ...at, body: { ...body, spec: POOL_SPEC } })
    expect(await refusal(stale)).toMatchObject({ code: 409, reason: 'Conflict' })
  })

  test('a PUT without a resourceVersion is refused for a custom kind', async () => {
    const created = await createPool()
    const at = { ...POOLS, namespace, name: created.metadata.name }
    const answer = await refusal(custom.replaceNamespacedCustomObject({ ...at, body: pool(at.name) }))
    expect(answer).toMatchObject({ code: 422, reason: 'Invalid' })
    expect(answer.message).toMatch(
      /metadata\.resourceVersion: Invalid value: 0(x0)?: must be specified for an update$/,
    )
  })

  test('an invalid object is refused with a cause for each field', async () => {
    const body = {
      ...pool(),
      spec: { networkName: '', ipv4Config: { ...POOL_SPEC.ipv4Config, serverIP: 'x' } },
    }
    const answer = await refusal(custom.createNamespacedCustomObject({ ...POOLS, namespace, body }))
    expect(answer).toMatchObject({ code: 422, reason: 'Invalid' })
    const causes = z
      .looseObject({ details: z.looseObject({ causes: z.array(z.looseObject({ field: z.string() })) }) })
      .parse(answer).details.causes
    // The definition has CEL rules, which are not looked at in an object like this: the last cause says so.
    expect(causes.map(({ field }) => field).sort()).toEqual([
      '<nil>',
      'spec.ipv4Config.serverIP',
      'spec.networkName',
    ])
  })

  test('dryRun answers as if, and stores nothing', async () => {
    const body = pool()
    await custom.createNamespacedCustomObject({ ...POOLS, namespace, body, dryRun: 'All' })
    const at = { ...POOLS, namespace, name: body.metadata.name }
    expect(await refusal(custom.getNamespacedCustomObject(at))).toMatchObject({ code: 404 })
  })
})

describe('CoreV1Api', () => {
  test('a list in chunks shows the state of its first chunk', async () => {
    const suite = uniqueName('chunks')
    const create = (name: string) =>
      core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { suite } } } })
    for (const letter of ['a', 'b', 'c', 'd', 'e']) await create(`${suite}-${letter}`)
    const query = { namespace, labelSelector: `suite=${suite}`, limit: 2 }
    const first = await core.listNamespacedConfigMap(query)
    await core.deleteNamespacedConfigMap({ namespace, name: `${suite}-d` })
    await create(`${suite}-f`)
    const names = first.items.map((item) => item.metadata?.name)
    for (let next = first.metadata?._continue; next; ) {
      const page = await core.listNamespacedConfigMap({ ...query, _continue: next })
      expect(page.metadata?.resourceVersion).toBe(first.metadata?.resourceVersion)
      names.push(...page.items.map((item) => item.metadata?.name))
      next = page.metadata?._continue
    }
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e'].map((letter) => `${suite}-${letter}`))
  })

  test('generateName makes names', async () => {
    const body = { metadata: { generateName: 'made-' } }
    const [one, two] = await Promise.all([
      core.createNamespacedConfigMap({ namespace, body }),
      core.createNamespacedConfigMap({ namespace, body }),
    ])
    expect(one?.metadata?.name).toMatch(/^made-[a-z0-9]{5}$/)
    expect(one?.metadata?.name).not.toBe(two?.metadata?.name)
  })

  test('stringData of a Secret becomes data', async () => {
    const name = uniqueName('secret')
    await core.createNamespacedSecret({ namespace, body: { metadata: { name }, stringData: { a: 'b' } } })
    const secret = await core.readNamespacedSecret({ namespace, name })
    expect(secret).toMatchObject({ type: 'Opaque', data: { a: 'Yg==' } })
    expect(secret.stringData).toBeUndefined()
  })

  test('an object in a namespace that does not exist is refused', async () => {
    const missing = uniqueName('missing')
    const answer = await refusal(
      core.createNamespacedConfigMap({ namespace: missing, body: { metadata: { name: 'a' } } }),
    )
    expect(answer).toMatchObject({ code: 404, message: `namespaces "${missing}" not found` })
  })

  test('the field selector of events finds those of one object', async () => {
    const name = uniqueName('subject')
    const event = (reason: string, subject: string) =>
      core.createNamespacedEvent({
        namespace,
        body: {
          metadata: { generateName: 'event-' },
          involvedObject: { kind: 'IPPool', name: subject, namespace },
          reason,
          type: 'Normal',
        },
      })
    await event('Mine', name)
    await event('Other', 'other')
    const found = await core.listNamespacedEvent({
      namespace,
      fieldSelector: `involvedObject.name=${name},type=Normal`,
    })
    expect(found.items.map(({ reason }) => reason)).toEqual(['Mine'])
  })
})

describe('CoordinationV1Api', () => {
  test('of two that take a lease at the same state one gets it', async () => {
    const leases = config.makeApiClient(CoordinationV1Api)
    const name = uniqueName('lease')
    const lease = await leases.createNamespacedLease({
      namespace,
      body: { metadata: { name }, spec: { holderIdentity: 'nobody', renewTime: new V1MicroTime() } },
    })
    const take = (holderIdentity: string) =>
      leases.replaceNamespacedLease({
        namespace,
        name,
        body: { ...lease, spec: { ...lease.spec, holderIdentity } },
      })
    const outcomes = await Promise.allSettled([take('one'), take('two')])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('KubernetesObjectApi', () => {
  test('works from apiVersion and kind alone, server-side apply included', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    const body = pool()
    await objects.create(body)
    const applied = { ...body, spec: { ...body.spec, paused: true } }
    await objects.patch(applied, undefined, undefined, 'tester', true, PatchStrategy.ServerSideApply)
    expect(await objects.read(body)).toMatchObject({ spec: { paused: true } })
    await objects.delete(body)
    expect(await refusal(objects.read(body))).toMatchObject({ code: 404 })
  })
})

describe('Watch', () => {
  const path = () => `/apis/network.harvesterhci.io/v1alpha1/namespaces/${namespace}/ippools`
  const currentVersion = async () =>
    z
      .object({ metadata: z.looseObject({ resourceVersion: z.string() }) })
      .parse(await custom.listNamespacedCustomObject({ ...POOLS, namespace })).metadata.resourceVersion

  function watch(query: Record<string, string | boolean | number>, enough: (phases: string[]) => boolean) {
    const phases: string[] = []
    return new Promise<string[]>((resolve, reject) => {
      const running = new Watch(config).watch(
        path(),
        query,
        (phase, object: unknown) => {
          phases.push(
            `${phase} ${z.looseObject({ metadata: z.looseObject({ name: z.string().optional() }) }).parse(object).metadata.name ?? ''}`,
          )
          if (enough(phases)) running.then((controller) => controller.abort(), reject)
        },
        () => resolve(phases),
      )
      running.catch(reject)
    })
  }

  test('reports what happens after the resourceVersion of a list', async () => {
    const watching = watch({ resourceVersion: await currentVersion() }, (phases) => phases.length === 3)
    const created = await createPool()
    const at = { ...POOLS, namespace, name: created.metadata.name }
    await custom.patchNamespacedCustomObject({ ...at, body: { spec: { paused: true } } }, MERGE)
    await custom.deleteNamespacedCustomObject(at)
    expect(await watching).toEqual([`ADDED ${at.name}`, `MODIFIED ${at.name}`, `DELETED ${at.name}`])
  })

  test('without a resourceVersion begins with what there is', async () => {
    const { name } = (await createPool()).metadata
    const query = { fieldSelector: `metadata.name=${name}` }
    expect(await watch(query, (phases) => phases.length === 1)).toEqual([`ADDED ${name}`])
  })

  test('ends by itself after timeoutSeconds', async () => {
    const { name } = (await createPool()).metadata
    const query = { fieldSelector: `metadata.name=${name}`, timeoutSeconds: 3 }
    expect(await watch(query, () => false)).toEqual([`ADDED ${name}`])
  })

  test('with sendInitialEvents marks where the initial events end', async () => {
    const { name } = (await createPool()).metadata
    const query = {
      fieldSelector: `metadata.name=${name}`,
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    }
    expect(await watch(query, (phases) => phases.length === 2)).toEqual([`ADDED ${name}`, 'BOOKMARK '])
  })
})

describe('makeInformer', () => {
  test('keeps a cache that follows the server', async () => {
    const suite = uniqueName('informer')
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const list = (): Promise<KubernetesListObject<KubernetesObject>> =>
      core.listNamespacedConfigMap({ namespace, labelSelector: `suite=${suite}` })
    const before = { metadata: { name: `${suite}-before`, labels: { suite } } }
    await core.createNamespacedConfigMap({ namespace, body: before })
    const informer = makeInformer(config, path, list, `suite=${suite}`)
    const seen: string[] = []
    const until = (line: string) =>
      new Promise<void>((resolve) => {
        const check = () => seen.includes(line) && resolve()
        for (const verb of ['add', 'update', 'delete'] as const) informer.on(verb, check)
        check()
      })
    informer.on('add', (object) => seen.push(`add ${object.metadata?.name}`))
    informer.on('update', (object) => seen.push(`update ${object.metadata?.name}`))
    informer.on('delete', (object) => seen.push(`delete ${object.metadata?.name}`))
    await informer.start()
    const name = `${suite}-after`
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { suite } } } })
    await until(`add ${name}`)
    await core.patchNamespacedConfigMap({ namespace, name, body: { data: { a: 'b' } } }, MERGE)
    await until(`update ${name}`)
    await core.deleteNamespacedConfigMap({ namespace, name: before.metadata.name })
    await until(`delete ${before.metadata.name}`)
    expect(informer.list(namespace)?.map((object) => object.metadata?.name)).toEqual([name])
    await informer.stop()
  })
})
