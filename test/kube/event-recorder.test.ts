import { expect, test } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import { IP_POOLS } from '../../src/api/resource.ts'
import { minutes, seconds } from '../../src/api/values/time.ts'
import { ForbiddenError, NotFoundError, UnavailableError } from '../../src/kube/errors.ts'
import { createEventRecorder } from '../../src/kube/event-recorder.ts'
import type { Patch, Store } from '../../src/kube/store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { recordingLog } from '../support/recording-log.ts'
import { ScriptedStore } from '../support/scripted-store.ts'
import { seededRandom } from '../support/seeded-random.ts'

const NET_48 = { resource: IP_POOLS, namespace: 'default', name: 'net-48', uid: 'u1', resourceVersion: '7' }
const FULL = { type: 'Warning', reason: 'PoolExhausted', message: 'no free address' } as const

/** A store that keeps created events and the patches to them, unless `fail` says otherwise. */
class EventStore extends ScriptedStore {
  readonly created: KubeObject[] = []
  readonly patched: [string, Patch][] = []
  attempts = 0
  fail: (what: 'create' | 'patch') => Error | undefined = () => undefined

  override create: Store['create'] = async (_, object) => {
    this.attempts += 1
    const error = this.fail('create')
    if (error !== undefined) throw error
    this.created.push(structuredClone(object))
    return object
  }

  override patch: Store['patch'] = async (_, key, patch) => {
    this.attempts += 1
    const error = this.fail('patch')
    if (error !== undefined) throw error
    this.patched.push([key.name, patch])
    return { metadata: { name: key.name } }
  }
}

function setUp() {
  const clock = new ManualClock()
  const store = new EventStore()
  const { log, lines } = recordingLog()
  const recorder = createEventRecorder({
    store,
    clock,
    random: seededRandom(),
    log,
    component: 'managed-dhcp-controller',
    instance: 'pod-1',
  })
  return { clock, store, recorder, lines }
}

test('an event is what kubectl describe shows of its subject', async () => {
  const { clock, store, recorder } = setUp()
  recorder.record(NET_48, FULL)
  await clock.settle()
  expect(store.created).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: 'default', name: expect.stringMatching(/^net-48\.[0-9a-f]{16}$/) },
      involvedObject: {
        apiVersion: 'network.harvesterhci.io/v1alpha1',
        kind: 'IPPool',
        namespace: 'default',
        name: 'net-48',
        uid: 'u1',
        resourceVersion: '7',
      },
      type: 'Warning',
      reason: 'PoolExhausted',
      message: 'no free address',
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      source: { component: 'managed-dhcp-controller', host: 'pod-1' },
      reportingComponent: 'managed-dhcp-controller',
      reportingInstance: 'pod-1',
    },
  ])
})

test('what repeats is counted on one event', async () => {
  const { clock, store, recorder } = setUp()
  recorder.record(NET_48, FULL)
  await clock.advance(seconds(10))
  recorder.record(NET_48, FULL)
  recorder.record(NET_48, FULL)
  await clock.settle()
  expect(store.created.length).toBe(1)
  const body = { count: 3, lastTimestamp: '2026-01-01T00:00:10Z' }
  expect(store.patched).toEqual([[store.created[0]?.metadata.name, { type: 'merge', body }]])
})

test('another message, reason or subject is another event', async () => {
  const { clock, store, recorder } = setUp()
  recorder.record(NET_48, FULL)
  recorder.record(NET_48, { ...FULL, message: 'still no free address' })
  recorder.record(NET_48, { ...FULL, reason: 'Other' })
  recorder.record({ ...NET_48, uid: 'u2' }, FULL)
  await clock.settle()
  expect(store.created.length).toBe(4)
})

test('a noisy subject is held back, the others are not, and nothing goes uncounted', async () => {
  const { clock, store, recorder } = setUp()
  for (let count = 0; count < 100; count += 1) {
    recorder.record(NET_48, FULL)
    await clock.settle()
  }
  expect(store.attempts).toBe(20)
  recorder.record({ ...NET_48, name: 'net-49', uid: 'u2' }, FULL)
  await clock.settle()
  expect(store.attempts).toBe(21)
  await clock.advance(minutes(1))
  recorder.record(NET_48, FULL)
  await clock.settle()
  expect(store.patched.at(-1)?.[1]).toMatchObject({ body: { count: 101 } })
})

test('an event that the API server has dropped meanwhile is made anew', async () => {
  const { clock, store, recorder } = setUp()
  recorder.record(NET_48, FULL)
  await clock.settle()
  store.fail = (what) => (what === 'patch' ? new NotFoundError('events "net-48" not found') : undefined)
  recorder.record(NET_48, FULL)
  await clock.advance(seconds(2))
  expect(store.created.map((event) => event.count)).toEqual([1, 2])
})

test('while the API server is away an event is tried a few times, then dropped', async () => {
  const { clock, store, recorder, lines } = setUp()
  store.fail = () => new UnavailableError(0, 'connection refused')
  recorder.record(NET_48, FULL)
  await clock.advance(minutes(10))
  expect(store.attempts).toBe(5)
  expect(lines.map((line) => line.msg)).toEqual(['event not written'])
  store.fail = () => undefined
  recorder.record(NET_48, FULL)
  await clock.settle()
  expect(store.created.length).toBe(1)
})

test('an event that is refused is dropped at once and harms nobody', async () => {
  const { clock, store, recorder } = setUp()
  store.fail = () => new ForbiddenError(403, 'may not create events')
  recorder.record(NET_48, FULL)
  await clock.advance(minutes(10))
  expect(store.attempts).toBe(1)
})

test('a flood of different events does not grow the memory: the oldest are forgotten', async () => {
  const { clock, store, recorder } = setUp()
  store.fail = () => new UnavailableError(0, 'connection refused')
  for (let count = 0; count < 5000; count += 1) {
    recorder.record({ ...NET_48, uid: `u${count}` }, FULL)
  }
  store.fail = () => undefined
  await clock.advance(minutes(10))
  expect(store.created.length).toBeLessThanOrEqual(1000)
})

test('nothing is written after close, and no timer stays', async () => {
  const { clock, store, recorder } = setUp()
  store.fail = () => new UnavailableError(0, 'connection refused')
  recorder.record(NET_48, FULL)
  await clock.settle()
  await recorder.close()
  recorder.record(NET_48, FULL)
  await clock.advance(minutes(10))
  expect([store.attempts, clock.pending]).toEqual([1, 0])
})
