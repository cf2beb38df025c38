import { expect, test } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import { seconds } from '../../src/api/values/time.ts'
import { memoryBackend } from '../../src/embedded/backend/memory-backend.ts'
import { BUILTIN_RESOURCES } from '../../src/embedded/resources/builtin.ts'
import type { ServedResource } from '../../src/embedded/resources/served-resource.ts'
import { History, type HistoryLimits } from '../../src/embedded/storage/history.ts'
import { Storage } from '../../src/embedded/storage/storage.ts'
import { WatchHub, type WatchQuery } from '../../src/embedded/watch/watch-hub.ts'
import type { ServedEvent } from '../../src/embedded/watch/watch-sink.ts'
import { ManualClock } from '../support/manual-clock.ts'

const CONFIG_MAPS: ServedResource = (() => {
  const found = BUILTIN_RESOURCES.find(({ plural }) => plural === 'configmaps')
  if (!found) throw new Error('no configmaps')
  return found
})()

function setUp(limits?: HistoryLimits) {
  const clock = new ManualClock()
  const storage = new Storage(memoryBackend, (json) => JSON.parse(json), limits)
  const hub = new WatchHub(storage, clock)
  const put = (name: string, previous?: KubeObject, labels = {}) =>
    storage.commit(CONFIG_MAPS.storageKey, previous, { kind: 'ConfigMap', metadata: { name, labels } })
  const watch = (query: WatchQuery, room = Number.POSITIVE_INFINITY) => {
    const seen: string[] = []
    const ends: (string | undefined)[] = []
    const running = hub.watch(CONFIG_MAPS, query, {
      send: (event: ServedEvent) => {
        seen.push(
          event.type === 'BOOKMARK'
            ? `BOOKMARK ${event.resourceVersion}`
            : `${event.type} ${event.object.metadata.name}`,
        )
        room -= 1
        return room > 0
      },
      end: (error) => ends.push(error?.reason),
    })
    return { seen, ends, ...running }
  }
  return { clock, storage, hub, put, watch }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a watch from revision 0 begins with what there is and goes on with what changes', async () => {
  const { put, watch } = setUp()
  await put('a')
  const running = watch({ resourceVersion: '0' })
  await put('b')
  await turn()
  expect(running.seen).toEqual(['ADDED a', 'ADDED b'])
})

test('events leave after the write was answered to the backend, in order', async () => {
  const { put, watch, storage } = setUp()
  const running = watch({ resourceVersion: '0' })
  const a = await put('a')
  await Promise.all([put('a', a, { x: '1' }), put('b')])
  await storage.commit(CONFIG_MAPS.storageKey, a, undefined)
  await turn()
  expect(running.seen).toEqual(['ADDED a', 'MODIFIED a', 'ADDED b', 'DELETED a'])
})

test('a reader that stops reading holds no events, and is told 410 when history has passed it', async () => {
  const { put, watch } = setUp({ changes: 3, bytes: 1_000_000 })
  const running = watch({ resourceVersion: '0' }, 1)
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await put(name)
  await turn()
  expect(running.seen).toEqual(['ADDED a'])
  running.resume()
  expect(running.ends).toEqual(['Expired'])
})

test('a reader that pauses for a moment misses nothing', async () => {
  const { put, watch } = setUp()
  const running = watch({ resourceVersion: '0' }, 1)
  for (const name of ['a', 'b', 'c']) await put(name)
  await turn()
  running.resume()
  running.resume()
  expect(running.seen).toEqual(['ADDED a', 'ADDED b', 'ADDED c'])
})

test('a watch from before the history, or from beyond it, is Expired', async () => {
  const { put, watch } = setUp({ changes: 2, bytes: 1_000_000 })
  for (const name of ['a', 'b', 'c', 'd']) await put(name)
  const old = watch({ resourceVersion: '1' })
  const future = watch({ resourceVersion: '99' })
  const edge = watch({ resourceVersion: '2' })
  await turn()
  expect(old.ends).toEqual(['Expired'])
  expect(future.ends).toEqual(['Expired'])
  expect(edge.seen).toEqual(['ADDED c', 'ADDED d'])
})

test('bookmarks move the resume point of a watch where nothing happens', async () => {
  const { clock, put, storage, watch } = setUp()
  await put('a')
  const running = watch({ resourceVersion: '1', bookmarks: true, timeout: seconds(90) })
  await storage.commit('/secrets', undefined, { metadata: { name: 's' } })
  await clock.advance(seconds(61))
  expect(running.seen).toEqual(['BOOKMARK 2'])
  await clock.advance(seconds(60))
  expect(running.seen).toEqual(['BOOKMARK 2', 'BOOKMARK 2'])
  expect(running.ends).toEqual([undefined])
})

test('history is bounded by bytes too', () => {
  const history = new History(0, { changes: 100, bytes: 1000 })
  const change = (revision: number, bytes: number) => ({
    storageKey: 'k',
    namespace: '',
    name: 'n',
    revision,
    previous: undefined,
    next: undefined,
    removed: undefined,
    bytes,
  })
  for (const revision of [1, 2, 3]) history.append(change(revision, 400))
  expect(history.floor).toBe(1)
  expect([...(history.after(1) ?? [])].map(({ revision }) => revision)).toEqual([2, 3])
  history.append(change(4, 5000))
  expect(history.floor).toBe(4)
  expect(history.after(3)).toBeUndefined()
  expect([...(history.after(4) ?? [])]).toEqual([])
})

test('what a refused write was followed by is refused with it, and nobody saw any of it', async () => {
  let working = true
  const backend = {
    ...memoryBackend,
    write: async () => {
      if (!working) throw new Error('no space left on device')
    },
  }
  const storage = new Storage(backend, (json) => JSON.parse(json))
  const a = await storage.commit('k', undefined, { metadata: { name: 'a' }, value: 1 })
  working = false
  const first = storage.commit('k', a, { ...a, value: 2 })
  const second = storage.commit('k', a, { ...a, value: 3 })
  await expect(first).rejects.toThrow('no space left on device')
  await expect(second).rejects.toThrow('no space left on device')
  expect(storage.decided('k', '', 'a')).toMatchObject({ value: 1 })
  working = true
  const later = await storage.commit('k', a, { ...a, value: 4 })
  expect(Number(later.metadata.resourceVersion)).toBeGreaterThan(Number(a.metadata.resourceVersion))
  expect(storage.committed('k', '', 'a')).toMatchObject({ value: 4 })
})
