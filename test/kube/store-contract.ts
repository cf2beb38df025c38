import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import { IP_POOLS, type Resource } from '../../src/api/resource.ts'
import {
  AlreadyExistsError,
  ConflictError,
  InvalidObjectError,
  KindNotServedError,
  NotFoundError,
} from '../../src/kube/errors.ts'
import type { Store, WatchEvent, WatchOptions } from '../../src/kube/store.ts'

export interface StoreUnderTest {
  store: Store
  cleanup(): Promise<void>
}

let counter = 0

/** A valid IPPool of a name that nobody else uses. */
function pool(labels?: Record<string, string>): KubeObject {
  counter += 1
  return {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    metadata: {
      name: `contract-${process.pid}-${counter}`,
      namespace: 'default',
      ...(labels ? { labels } : {}),
    },
    spec: {
      networkName: 'default/net-48',
      ipv4Config: {
        serverIP: '192.168.48.77',
        cidr: '192.168.48.0/24',
        pool: { start: '192.168.48.81', end: '192.168.48.90' },
      },
    },
  }
}

const keyOf = (object: KubeObject) => ({ namespace: 'default', name: object.metadata.name })

/** What every `Store` promises, whatever is behind it. It needs the IPPool definition and the namespace "default". */
export function storeContract(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a Store`, () => {
    let store: Store
    let cleanup: () => Promise<void>

    beforeAll(async () => {
      ;({ store, cleanup } = await makeStore())
    })
    afterAll(() => cleanup())

    /** Collects events; `until` waits for the first one that fits. */
    function collect(options: WatchOptions, resource: Resource = IP_POOLS) {
      const events: WatchEvent[] = []
      const ends: (Error | undefined)[] = []
      const waiting = new Set<() => void>()
      const wake = () => {
        for (const check of [...waiting]) check()
      }
      const handle = store.watch(resource, options, {
        event(event) {
          events.push(event)
          wake()
        },
        ended(error) {
          ends.push(error)
          wake()
        },
      })
      const until = (done: () => boolean): Promise<void> =>
        new Promise((resolve) => {
          const check = () => {
            if (!done()) return
            waiting.delete(check)
            resolve()
          }
          waiting.add(check)
          check()
        })
      return { events, ends, handle, until }
    }

    const changes = (events: WatchEvent[]) =>
      events.flatMap((event) =>
        event.type === 'BOOKMARK' ? [] : [`${event.type} ${event.object.metadata.resourceVersion}`],
      )

    test('an object that was created is read back, with what the server adds', async () => {
      const given = pool()
      const created = await store.create(IP_POOLS, given)
      expect(created.metadata).toMatchObject({
        name: given.metadata.name,
        namespace: 'default',
        generation: 1,
      })
      expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
      expect(created.metadata.creationTimestamp).toMatch(/Z$/)
      expect(created.metadata.resourceVersion).toMatch(/^\d+$/)
      expect(created.spec).toEqual(given.spec)
      expect(await store.get(IP_POOLS, keyOf(given))).toEqual(created)
    })

    test('a name that is taken is refused with AlreadyExistsError', async () => {
      const given = pool()
      await store.create(IP_POOLS, given)
      await expect(store.create(IP_POOLS, given)).rejects.toBeInstanceOf(AlreadyExistsError)
    })

    test('what is not there is a NotFoundError for every verb', async () => {
      const missing = pool()
      missing.metadata.resourceVersion = '1'
      const key = keyOf(missing)
      await expect(store.get(IP_POOLS, key)).rejects.toBeInstanceOf(NotFoundError)
      await expect(store.update(IP_POOLS, missing)).rejects.toBeInstanceOf(NotFoundError)
      await expect(store.patch(IP_POOLS, key, { type: 'merge', body: {} })).rejects.toBeInstanceOf(
        NotFoundError,
      )
      await expect(store.delete(IP_POOLS, key)).rejects.toBeInstanceOf(NotFoundError)
    })

    test.each([
      ['group', { ...IP_POOLS, group: 'nobody.example.com' }],
      ['version', { ...IP_POOLS, version: 'v9' }],
      ['kind', { ...IP_POOLS, plural: 'nothings', kind: 'Nothing' }],
    ])(
      'a %s that is not served is no object that is missing: a KindNotServedError for every verb',
      async (_, resource) => {
        const { metadata, spec } = pool()
        const object = { metadata: { ...metadata, resourceVersion: '1' }, spec }
        const key = keyOf(object)
        const requests = [
          () => store.get(resource, key),
          () => store.list(resource),
          () => store.create(resource, { metadata, spec }),
          () => store.update(resource, object),
          () => store.patch(resource, key, { type: 'merge', body: {} }),
          () => store.delete(resource, key),
        ]
        for (const request of requests) await expect(request()).rejects.toBeInstanceOf(KindNotServedError)
        const watch = collect({ resourceVersion: '1' }, resource)
        await watch.until(() => watch.ends.length > 0)
        expect(watch.ends).toEqual([expect.any(KindNotServedError)])
      },
    )

    test('an object that breaks its schema is an InvalidObjectError that names the field', async () => {
      const bad = pool()
      bad.spec = { networkName: 'default/net-48' }
      const refusal = store.create(IP_POOLS, bad)
      await expect(refusal).rejects.toBeInstanceOf(InvalidObjectError)
      await expect(refusal).rejects.toMatchObject({
        code: 422,
        message: expect.stringContaining('spec.ipv4Config: Required value'),
      })
    })

    test('an update of a state that is no longer current is a ConflictError', async () => {
      const created = await store.create(IP_POOLS, pool())
      const first = { ...created, spec: { ...Object(created.spec), networkName: 'default/a' } }
      await store.update(IP_POOLS, first)
      await expect(store.update(IP_POOLS, first)).rejects.toBeInstanceOf(ConflictError)
    })

    test('of many updates of one state exactly one wins', async () => {
      const created = await store.create(IP_POOLS, pool())
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) =>
          store.update(IP_POOLS, { ...created, status: { ipv4: { used: index + 1 } } }, 'status'),
        ),
      )
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ConflictError)
      }
    })

    test('status and the rest are written through their own endpoints only, and only the rest counts as a generation', async () => {
      const created = await store.create(IP_POOLS, { ...pool(), status: { ipv4: { used: 5 } } })
      expect(created.status).toBeUndefined()
      const withStatus = await store.update(
        IP_POOLS,
        {
          ...created,
          spec: { ...Object(created.spec), networkName: 'default/ignored' },
          status: { ipv4: { used: 1, available: 9 } },
        },
        'status',
      )
      expect(withStatus.spec).toEqual(created.spec)
      expect(withStatus.status).toEqual({ ipv4: { used: 1, available: 9 } })
      expect(withStatus.metadata.generation).toBe(1)
      const withSpec = await store.update(IP_POOLS, {
        ...withStatus,
        spec: { ...Object(created.spec), paused: true },
        status: { ipv4: { used: 99 } },
      })
      expect(withSpec.status).toEqual(withStatus.status)
      expect(withSpec.metadata.generation).toBe(2)
    })

    test('a merge patch removes what is null and keeps what it does not name', async () => {
      const created = await store.create(IP_POOLS, pool({ keep: 'yes', drop: 'yes' }))
      const patched = await store.patch(IP_POOLS, keyOf(created), {
        type: 'merge',
        body: { metadata: { labels: { drop: null, add: 'yes' } } },
      })
      expect(patched.metadata.labels).toEqual({ keep: 'yes', add: 'yes' })
    })

    test('a merge patch that holds a resourceVersion is a compare-and-set', async () => {
      const created = await store.create(IP_POOLS, pool())
      const { resourceVersion } = created.metadata
      const body = { metadata: { resourceVersion }, status: { ipv4: { used: 1 } } }
      await store.patch(IP_POOLS, keyOf(created), { type: 'merge', body }, 'status')
      const late = { metadata: { resourceVersion }, status: { ipv4: { used: 2 } } }
      await expect(
        store.patch(IP_POOLS, keyOf(created), { type: 'merge', body: late }, 'status'),
      ).rejects.toBeInstanceOf(ConflictError)
      expect((await store.get(IP_POOLS, keyOf(created))).status).toEqual({ ipv4: { used: 1 } })
    })

    test('a JSON patch is carried out in order, and a test that fails refuses it as a whole', async () => {
      const created = await store.create(IP_POOLS, pool({ a: '1' }))
      const patched = await store.patch(IP_POOLS, keyOf(created), {
        type: 'json',
        body: [
          { op: 'test', path: '/metadata/labels/a', value: '1' },
          { op: 'add', path: '/metadata/labels/b~1c', value: '2' },
          { op: 'remove', path: '/metadata/labels/a' },
        ],
      })
      expect(patched.metadata.labels).toEqual({ 'b/c': '2' })
      const refused = store.patch(IP_POOLS, keyOf(created), {
        type: 'json',
        body: [
          { op: 'add', path: '/metadata/labels/d', value: '3' },
          { op: 'test', path: '/metadata/labels/a', value: '1' },
        ],
      })
      await expect(refused).rejects.toBeInstanceOf(InvalidObjectError)
      expect((await store.get(IP_POOLS, keyOf(created))).metadata.labels).toEqual({ 'b/c': '2' })
    })

    test('concurrent patches without a resourceVersion all take effect', async () => {
      const created = await store.create(IP_POOLS, pool())
      const names = Array.from({ length: 20 }, (_, index) => `l${index}`)
      await Promise.all(
        names.map((label) =>
          store.patch(IP_POOLS, keyOf(created), {
            type: 'merge',
            body: { metadata: { labels: { [label]: 'x' } } },
          }),
        ),
      )
      const { labels } = (await store.get(IP_POOLS, keyOf(created))).metadata
      expect(Object.keys(labels ?? {}).sort()).toEqual(names.sort())
    })

    test('a write that changes nothing keeps the resourceVersion', async () => {
      const created = await store.create(IP_POOLS, pool())
      const again = await store.patch(IP_POOLS, keyOf(created), {
        type: 'merge',
        body: { spec: created.spec },
      })
      expect(again.metadata.resourceVersion).toBe(created.metadata.resourceVersion)
    })

    test('an object without finalizers is gone after its deletion', async () => {
      const created = await store.create(IP_POOLS, pool())
      await store.delete(IP_POOLS, keyOf(created))
      await expect(store.get(IP_POOLS, keyOf(created))).rejects.toBeInstanceOf(NotFoundError)
    })

    test('a finalizer keeps a deleted object until it is taken away', async () => {
      const given = pool()
      given.metadata.finalizers = ['example.com/hold']
      const created = await store.create(IP_POOLS, given)
      await store.delete(IP_POOLS, keyOf(created))
      const held = await store.get(IP_POOLS, keyOf(created))
      expect(held.metadata.deletionTimestamp).toMatch(/Z$/)
      await store.patch(IP_POOLS, keyOf(created), { type: 'merge', body: { metadata: { finalizers: null } } })
      await expect(store.get(IP_POOLS, keyOf(created))).rejects.toBeInstanceOf(NotFoundError)
    })

    test('a deletion with preconditions spares another object of the same name and another state', async () => {
      const created = await store.create(IP_POOLS, pool())
      const wrongUid = { uid: '00000000-0000-4000-8000-000000000000' }
      await expect(store.delete(IP_POOLS, keyOf(created), wrongUid)).rejects.toBeInstanceOf(ConflictError)
      await expect(store.delete(IP_POOLS, keyOf(created), { resourceVersion: '1' })).rejects.toBeInstanceOf(
        ConflictError,
      )
      const { uid } = created.metadata
      await store.delete(IP_POOLS, keyOf(created), uid ? { uid } : {})
    })

    test('a list is selected by namespace, labels and fields', async () => {
      const label = `list-${counter}`
      const a = await store.create(IP_POOLS, pool({ group: label, side: 'left' }))
      const b = await store.create(IP_POOLS, pool({ group: label, side: 'right' }))
      const names = async (options: Parameters<Store['list']>[1]) =>
        (await store.list(IP_POOLS, options)).items.map((item) => item.metadata.name)
      expect((await names({ labelSelector: `group=${label}` })).sort()).toEqual(
        [a.metadata.name, b.metadata.name].sort(),
      )
      expect(await names({ namespace: 'default', labelSelector: `group=${label},side!=left` })).toEqual([
        b.metadata.name,
      ])
      expect(await names({ namespace: 'kube-system', labelSelector: `group=${label}` })).toEqual([])
      expect(await names({ fieldSelector: `metadata.name=${a.metadata.name}` })).toEqual([a.metadata.name])
    })

    test('a watch from a list reports every later change once and in order', async () => {
      const label = `watch-${counter}`
      const { resourceVersion } = await store.list(IP_POOLS)
      const watch = collect({ resourceVersion, labelSelector: `group=${label}` })
      const created = await store.create(IP_POOLS, pool({ group: label }))
      const patched = await store.patch(IP_POOLS, keyOf(created), {
        type: 'merge',
        body: { spec: { paused: true } },
      })
      await store.delete(IP_POOLS, keyOf(created))
      await watch.until(() => changes(watch.events).length >= 3)
      watch.handle.stop()
      const [, , deleted] = changes(watch.events)
      expect(changes(watch.events).slice(0, 2)).toEqual([
        `ADDED ${created.metadata.resourceVersion}`,
        `MODIFIED ${patched.metadata.resourceVersion}`,
      ])
      expect(deleted).toMatch(/^DELETED \d+$/)
    })

    test('a watch resumes after the last event that it reported', async () => {
      const label = `resume-${counter}`
      const created = await store.create(IP_POOLS, pool({ group: label }))
      const patch = (value: string) =>
        store.patch(IP_POOLS, keyOf(created), {
          type: 'merge',
          body: { metadata: { annotations: { value } } },
        })
      const first = await patch('1')
      const second = await patch('2')
      const watch = collect({
        resourceVersion: first.metadata.resourceVersion ?? '',
        labelSelector: `group=${label}`,
      })
      await watch.until(() => changes(watch.events).length >= 1)
      watch.handle.stop()
      expect(changes(watch.events)).toEqual([`MODIFIED ${second.metadata.resourceVersion}`])
    })

    test('an object that stops matching the selector is DELETED for the watch', async () => {
      const label = `leave-${counter}`
      const { resourceVersion } = await store.list(IP_POOLS)
      const watch = collect({ resourceVersion, labelSelector: `group=${label}` })
      const created = await store.create(IP_POOLS, pool({ group: label }))
      await store.patch(IP_POOLS, keyOf(created), {
        type: 'merge',
        body: { metadata: { labels: { group: null } } },
      })
      await watch.until(() => changes(watch.events).length >= 2)
      watch.handle.stop()
      expect(watch.events.map((event) => event.type)).toEqual(['ADDED', 'DELETED'])
    })

    test('a watch that was stopped ends once, without an error, and reports nothing more', async () => {
      const label = `stop-${counter}`
      const { resourceVersion } = await store.list(IP_POOLS)
      const watch = collect({ resourceVersion, labelSelector: `group=${label}` })
      watch.handle.stop()
      watch.handle.stop()
      await watch.until(() => watch.ends.length > 0)
      await store.create(IP_POOLS, pool({ group: label }))
      expect(watch.ends).toEqual([undefined])
      expect(watch.events).toEqual([])
    })

    test('objects that come out belong to the caller', async () => {
      const created = await store.create(IP_POOLS, pool())
      created.spec = 'spoilt'
      const listed = await store.list(IP_POOLS, { fieldSelector: `metadata.name=${created.metadata.name}` })
      for (const item of listed.items) item.metadata.labels = { spoilt: 'yes' }
      const read = await store.get(IP_POOLS, keyOf(created))
      expect(read.spec).toMatchObject({ networkName: 'default/net-48' })
      expect(read.metadata.labels).toBeUndefined()
    })
  })
}
