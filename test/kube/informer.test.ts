import { describe, expect, test, vi } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import { IP_POOLS } from '../../src/api/resource.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import { milliseconds, minutes, seconds } from '../../src/api/values/time.ts'
import { ExpiredError, KindNotServedError, ThrottledError, UnavailableError } from '../../src/kube/errors.ts'
import { createInformer, type InformerOptions } from '../../src/kube/informer.ts'
import { UnknownIndexError } from '../../src/kube/object-cache.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { recordingLog } from '../support/recording-log.ts'
import { ScriptedStore } from '../support/scripted-store.ts'
import { seededRandom } from '../support/seeded-random.ts'

function object(name: string, resourceVersion: string, extra: Record<string, unknown> = {}): KubeObject {
  return { metadata: { namespace: 'default', name, uid: `uid-${name}`, resourceVersion }, ...extra }
}

const key = (name: string) => ({ namespace: 'default', name })

function setUp(options: Partial<InformerOptions> = {}) {
  const clock = new ManualClock()
  const store = new ScriptedStore()
  const { log, lines } = recordingLog()
  const informer = createInformer({
    store,
    resource: IP_POOLS,
    clock,
    random: seededRandom(),
    log,
    ...options,
  })
  const changes: string[] = []
  informer.onChange((key, object, previous) => {
    const versions = [previous, object].map((one) => one?.metadata.resourceVersion ?? '-')
    changes.push(`${formatObjectKey(key)} ${versions.join(' to ')}`)
  })
  const holds = (resourceVersion: string, ...items: KubeObject[]) => {
    store.answer = () => ({ items: structuredClone(items), resourceVersion })
  }
  const started = async () => {
    informer.start()
    await clock.settle()
  }
  return { clock, store, informer, changes, lines, holds, started }
}

describe('an informer that is well', () => {
  test('reports what is there, then every change after it', async () => {
    const { store, informer, changes, holds, started } = setUp()
    holds('7', object('a', '5'), object('b', '6'))
    await started()
    store.lastWatch.send({ type: 'MODIFIED', object: object('a', '8') })
    store.lastWatch.send({ type: 'ADDED', object: object('c', '9') })
    store.lastWatch.send({ type: 'DELETED', object: object('b', '10') })
    expect(changes).toEqual([
      'default/a - to 5',
      'default/b - to 6',
      'default/a 5 to 8',
      'default/c - to 9',
      'default/b 6 to -',
    ])
    expect(informer.list().map((one) => one.metadata.name)).toEqual(['a', 'c'])
    expect(store.lastWatch.options.resourceVersion).toBe('7')
  })

  test('is synced after the first list, not before', async () => {
    const { informer, started } = setUp()
    const synced = vi.fn()
    void informer.whenSynced().then(synced)
    expect(informer.synced()).toBe(false)
    await started()
    expect(informer.synced()).toBe(true)
    expect(synced).toHaveBeenCalledOnce()
    await informer.whenSynced()
  })

  test('asks for one namespace and one name when it is told to', async () => {
    const { store, started } = setUp({ scope: { namespace: 'default', name: 'net-48' } })
    await started()
    const options = { namespace: 'default', fieldSelector: 'metadata.name=net-48' }
    expect(store.lists).toEqual([options])
    expect(store.lastWatch.options).toEqual({ ...options, resourceVersion: '1' })
  })

  test('lists everything again now and then, and reports what the watch kept to itself', async () => {
    const { clock, store, changes, holds, started } = setUp({ idleTimeout: minutes(60) })
    await started()
    holds('9', object('a', '9'))
    await clock.advance(minutes(12))
    expect(store.lists.length).toBe(2)
    expect(changes).toEqual(['default/a - to 9'])
    expect(store.watches.map((watch) => watch.stopped)).toEqual([true, false])
  })

  test('a handler that throws, or rejects, is logged and hears of the next change', async () => {
    const { clock, store, informer, changes, lines, started } = setUp()
    informer.onChange(() => {
      throw new Error('broken')
    })
    informer.onChange(async () => {
      throw new Error('broken later')
    })
    await started()
    store.lastWatch.send({ type: 'ADDED', object: object('a', '2') })
    store.lastWatch.send({ type: 'MODIFIED', object: object('a', '3') })
    await clock.settle()
    expect(changes.length).toBe(2)
    expect(lines.filter((line) => line.msg === 'change handler failed').length).toBe(4)
  })

  test('an object deleted and made again under its name is reported as gone, then as new', async () => {
    const { store, changes, holds, started } = setUp()
    holds('5', object('a', '5'))
    await started()
    const again = object('a', '9')
    store.lastWatch.send({ type: 'ADDED', object: { ...again, metadata: { ...again.metadata, uid: 'new' } } })
    expect(changes.slice(1)).toEqual(['default/a 5 to -', 'default/a - to 9'])
  })
})

describe('an informer recovers', () => {
  test('from a clean close: it resumes after the last event or bookmark', async () => {
    const { clock, store, started } = setUp()
    await started()
    store.lastWatch.send({ type: 'ADDED', object: object('a', '20') })
    store.lastWatch.end()
    expect(store.lastWatch.options.resourceVersion).toBe('20')
    store.lastWatch.send({ type: 'BOOKMARK', resourceVersion: '30' })
    await clock.advance(seconds(30))
    store.lastWatch.end()
    expect(store.lastWatch.options.resourceVersion).toBe('30')
    expect(store.lists.length).toBe(1)
  })

  test.each([
    ['a socket reset', new UnavailableError(0, 'read ECONNRESET')],
    ['a 500 on watch', new UnavailableError(500, 'Internal Server Error')],
    ['410 Gone', new ExpiredError('too old resource version')],
  ])('from %s: it lists again, with deletions', async (_, error) => {
    const { clock, store, changes, holds, started } = setUp()
    holds('7', object('a', '5'), object('b', '6'))
    await started()
    holds('12', object('b', '11'))
    store.lastWatch.end(error)
    await clock.advance(seconds(1))
    expect(changes.slice(2)).toEqual(['default/a 5 to -', 'default/b 6 to 11'])
    expect(store.lastWatch.options.resourceVersion).toBe('12')
  })

  test('from a list that fails, backing off longer each time', async () => {
    const { clock, store, informer, started } = setUp({
      backoff: { first: seconds(1), longest: seconds(8) },
    })
    store.answer = () => Promise.reject(new UnavailableError(500, 'Internal Server Error'))
    await started()
    await clock.advance(seconds(60))
    // At most 1 + 2 + 4 + 8 + …, at least half of each: between 9 and 15 attempts in a minute.
    expect(store.lists.length).toBeGreaterThanOrEqual(9)
    expect(store.lists.length).toBeLessThanOrEqual(18)
    expect(informer.synced()).toBe(false)
    store.answer = () => ({ items: [object('a', '5')], resourceVersion: '6' })
    await clock.advance(seconds(8))
    expect(informer.get(key('a'))?.metadata.resourceVersion).toBe('5')
  })

  test('from a list that never answers', async () => {
    const { clock, store, informer, started } = setUp({ idleTimeout: minutes(1) })
    store.answer = () => new Promise(() => {})
    await started()
    store.answer = () => ({ items: [], resourceVersion: '1' })
    await clock.advance(minutes(2))
    expect(informer.synced()).toBe(true)
  })

  test('from a watch that stalls without a word', async () => {
    const { clock, store, changes, holds, started } = setUp({ idleTimeout: minutes(2) })
    await started()
    store.lastWatch.send({ type: 'BOOKMARK', resourceVersion: '3' })
    holds('9', object('a', '9'))
    await clock.advance(milliseconds(minutes(2) - 1))
    expect(changes).toEqual([])
    await clock.advance(seconds(2))
    expect(changes).toEqual(['default/a - to 9'])
    expect(store.watches[0]?.stopped).toBe(true)
  })

  test('from a restored backup, where resourceVersions go back', async () => {
    const { clock, store, informer, changes, holds, started } = setUp()
    holds('900', object('a', '800', { spec: 'new' }), object('b', '900'))
    await started()
    store.lastWatch.end(new UnavailableError(0, 'connection refused'))
    holds('20', object('a', '10', { spec: 'old' }))
    await clock.advance(seconds(1))
    expect(changes.slice(2)).toEqual(['default/b 900 to -', 'default/a 800 to 10'])
    expect(store.lastWatch.options.resourceVersion).toBe('20')
    expect(informer.get(key('a'))?.spec).toBe('old')
  })

  test('from a restored backup in which another object has the same resourceVersion', async () => {
    const { clock, store, informer, holds, started } = setUp()
    holds('10', object('a', '10', { spec: 'new' }))
    await started()
    holds('10', object('a', '10', { spec: 'old' }))
    store.lastWatch.end(new UnavailableError(0, 'connection refused'))
    await clock.advance(seconds(1))
    expect(informer.get(key('a'))?.spec).toBe('old')
  })

  test('without reporting what did not change', async () => {
    const { clock, store, changes, holds, started } = setUp()
    holds('7', object('a', '5'))
    await started()
    store.lastWatch.end(new UnavailableError(0, 'read ECONNRESET'))
    await clock.advance(seconds(1))
    expect(store.lists.length).toBe(2)
    expect(changes.length).toBe(1)
  })

  test('slowly from a server that closes every watch at once', async () => {
    const { clock, store, started } = setUp()
    store.opened = (watch) => watch.end()
    await started()
    await clock.advance(minutes(1))
    expect(store.watches.length).toBeLessThan(20)
  })

  test('slowly from a server to which every resume point is too old', async () => {
    const { clock, store, started } = setUp()
    store.opened = (watch) => watch.end(new ExpiredError('too old resource version'))
    await started()
    await clock.advance(minutes(1))
    expect(store.watches.length).toBeLessThan(20)
  })

  test('no sooner than a throttling server asks for', async () => {
    const { clock, store, started } = setUp()
    store.answer = () => Promise.reject(new ThrottledError(429, 'too many requests', 45))
    await started()
    await clock.advance(seconds(44))
    expect(store.lists.length).toBe(1)
    await clock.advance(seconds(2))
    expect(store.lists.length).toBe(2)
  })
})

describe('an informer does not hear', () => {
  test('events of an old watch', async () => {
    const { clock, store, changes, started } = setUp()
    await started()
    const old = store.lastWatch
    old.end(new UnavailableError(0, 'read ECONNRESET'))
    old.send({ type: 'ADDED', object: object('ghost', '2') })
    await clock.advance(seconds(1))
    old.send({ type: 'ADDED', object: object('ghost', '2') })
    expect(changes).toEqual([])
  })

  test('a list that was overtaken', async () => {
    const { clock, store, informer, started } = setUp({ idleTimeout: minutes(1) })
    const answers: ((name: string) => void)[] = []
    store.answer = () =>
      new Promise((resolve) => {
        answers.push((name) => resolve({ items: [object(name, '5')], resourceVersion: '5' }))
      })
    await started()
    await clock.advance(seconds(61))
    answers[1]?.('new')
    await clock.settle()
    answers[0]?.('old')
    await clock.settle()
    expect(informer.list().map((one) => one.metadata.name)).toEqual(['new'])
  })

  test('anything after stop, and leaves no timer and no watch behind', async () => {
    const { clock, store, informer, changes, started } = setUp()
    await started()
    const watch = store.lastWatch
    informer.stop()
    watch.send({ type: 'ADDED', object: object('a', '2') })
    await clock.advance(minutes(60))
    expect([changes, watch.stopped, clock.pending, store.lists.length]).toEqual([[], true, 0, 1])
  })

  test('anything when a handler stops it', async () => {
    const { clock, store, informer, changes, holds, started } = setUp()
    informer.onChange(() => informer.stop())
    holds('7', object('a', '5'), object('b', '6'))
    await started()
    expect([changes.length, store.watches.length, clock.pending]).toEqual([1, 0, 0])
  })
})

describe('health', () => {
  test('is bad before the first list and when nothing was heard for too long', async () => {
    const { clock, store, informer, started } = setUp({ idleTimeout: minutes(3) })
    expect(informer.healthy(clock.now())).toBe(false)
    await started()
    expect(informer.healthy(clock.now())).toBe(true)
    store.answer = () => Promise.reject(new UnavailableError(0, 'connection refused'))
    store.lastWatch.end(new UnavailableError(0, 'connection refused'))
    await clock.advance(minutes(3))
    expect(informer.healthy(clock.now())).toBe(true)
    await clock.advance(minutes(2))
    expect(informer.healthy(clock.now())).toBe(false)
  })

  test('is good as long as bookmarks come', async () => {
    const { clock, store, informer, started } = setUp()
    await started()
    for (let minute = 0; minute < 8; minute += 1) {
      await clock.advance(minutes(1))
      store.lastWatch.send({ type: 'BOOKMARK', resourceVersion: `${minute}` })
    }
    expect(informer.healthy(clock.now())).toBe(true)
    expect(informer.lastContact()).toBe(clock.now())
    expect(store.lists.length).toBe(1)
  })
})

describe('indexes', () => {
  const colour = (one: KubeObject) => [String(one.metadata.labels?.colour)]
  const coloured = (name: string, colour: string) => {
    const plain = object(name, '5')
    return { ...plain, metadata: { ...plain.metadata, labels: { colour } } }
  }

  test('find objects by value, through changes and deletions', async () => {
    const { store, informer, holds, started } = setUp()
    informer.addIndex('colour', colour)
    holds('7', coloured('a', 'red'), coloured('b', 'red'))
    await started()
    const found = (value: string) => informer.byIndex('colour', value).map((one) => one.metadata.name)
    expect(found('red')).toEqual(['a', 'b'])
    store.lastWatch.send({ type: 'MODIFIED', object: coloured('a', 'blue') })
    store.lastWatch.send({ type: 'DELETED', object: coloured('b', 'red') })
    expect([found('red'), found('blue')]).toEqual([[], ['a']])
  })

  test('added late hold what is there already', async () => {
    const { informer, holds, started } = setUp()
    holds('7', coloured('a', 'red'))
    await started()
    informer.addIndex('colour', colour)
    expect(informer.byIndex('colour', 'red').length).toBe(1)
  })

  test('whose function throws leave the object out, logged', async () => {
    const { informer, lines, holds, started } = setUp()
    informer.addIndex('broken', () => {
      throw new Error('broken')
    })
    holds('7', object('a', '5'))
    await started()
    expect(informer.get(key('a'))).toBeDefined()
    expect(lines.some((line) => line.msg.startsWith('index function failed'))).toBe(true)
  })

  test('that were never added are an error', () => {
    expect(() => setUp().informer.byIndex('colour', 'red')).toThrow(UnknownIndexError)
  })
})

describe('an informer of a kind that the cluster may do without', () => {
  const unknown = () => {
    throw new KindNotServedError('the server could not find the requested resource')
  }
  const WITHOUT = { withoutKind: 'is KubeVirt installed?' }

  test('counts as synced and healthy while the kind is missing, says so once, and lists it when it comes', async () => {
    const { clock, store, informer, changes, lines, holds, started } = setUp(WITHOUT)
    store.answer = unknown
    await started()
    expect(informer.synced()).toBe(true)
    await informer.whenSynced()
    await clock.advance(minutes(10))
    expect(informer.healthy(clock.now())).toBe(true)
    expect(lines.map(({ msg }) => msg)).toEqual([
      'the API server does not know this kind: is KubeVirt installed?',
    ])

    holds('7', object('a', '5'))
    await clock.advance(seconds(35))
    expect(changes).toEqual(['default/a - to 5'])
    expect(store.watches).toHaveLength(1)
  })

  test('keeps what it knows when the kind is missing for a while: that is no deletion', async () => {
    const { clock, store, informer, changes, holds, started } = setUp(WITHOUT)
    holds('7', object('a', '5'), object('b', '6'))
    await started()
    changes.length = 0
    store.answer = unknown
    store.lastWatch.end(new UnavailableError(0, 'socket hang up'))
    await clock.advance(minutes(30))
    expect(changes).toEqual([])
    expect(informer.list()).toHaveLength(2)

    holds('9', object('a', '5'))
    await clock.advance(seconds(35))
    expect(changes).toEqual(['default/b 6 to -'])
  })

  test('a kind that must be there is no list without it', async () => {
    const { clock, store, informer, started } = setUp()
    store.answer = unknown
    await started()
    await clock.advance(minutes(5))
    expect(informer.synced()).toBe(false)
  })
})
