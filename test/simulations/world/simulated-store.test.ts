import { expect, test } from 'vitest'
import { createApiFaults } from '../../../simulations/faults/api-faults.ts'
import { createCoverage } from '../../../simulations/faults/coverage.ts'
import { FaultWindows } from '../../../simulations/faults/windows.ts'
import type { Fault } from '../../../simulations/plan/faults.ts'
import { network } from '../../../simulations/scenarios/cluster.ts'
import { openApiServer } from '../../../simulations/world/api-server.ts'
import { createChance } from '../../../simulations/world/chance.ts'
import { networkObject } from '../../../simulations/world/cluster-objects.ts'
import { newLife } from '../../../simulations/world/life.ts'
import { Machine } from '../../../simulations/world/machine.ts'
import { Scheduler } from '../../../simulations/world/scheduler.ts'
import { createSimulatedStore, type StoreObserver } from '../../../simulations/world/simulated-store.ts'
import { NETWORK_ATTACHMENT_DEFINITIONS } from '../../../src/api/resource.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { recordingLog } from '../../support/recording-log.ts'

const OBJECT = networkObject(network(1, 10, 60))
const KEY = { namespace: 'default', name: 'net-1' }
const silent: StoreObserver = {
  leaving() {},
  done() {},
  heard() {},
  answered() {},
  learned() {},
  watching() {},
}

async function setUp(faults: readonly Fault[], observer: Partial<StoreObserver> = {}) {
  const scheduler = new Scheduler(createChance(1, 'order'), newLife('outside'))
  const api = await openApiServer(scheduler, createChance(1, 'api'), recordingLog().log)
  const machine = new Machine('controller-1', scheduler)
  const { life, clock } = machine.begin()
  const coverage = createCoverage()
  const windows = new FaultWindows(faults, () => scheduler.now, 60_000)
  const store = createSimulatedStore({
    life,
    clock,
    scheduler,
    api,
    faults: createApiFaults(1, windows, coverage),
    observer: { ...silent, ...observer },
    timeout: seconds(30),
  })
  const pass = (count: number) =>
    scheduler.runUntil(
      scheduler.now + count,
      (action) => setImmediate(action),
      () => false,
    )
  return {
    store,
    api,
    machine,
    scheduler,
    coverage,
    pass,
    isThere: () => isThere(api.store.get(NETWORK_ATTACHMENT_DEFINITIONS, KEY)),
  }
}

const isThere = (reading: Promise<unknown>) =>
  reading.then(
    () => true,
    () => false,
  )

/** What became of a promise so far. */
function fateOf(promise: Promise<unknown>): { outcome: string } {
  const fate = { outcome: 'none' }
  promise.then(
    () => {
      fate.outcome = 'done'
    },
    (error: unknown) => {
      fate.outcome = error instanceof Error ? error.name : String(error)
    },
  )
  return fate
}

const apiErrors = (error: Extract<Fault, { type: 'api-errors' }>['error']): Fault => ({
  type: 'api-errors',
  at: 0,
  lasts: 60_000,
  process: '*',
  share: 1,
  error,
})

test('a request takes a while and is answered', async () => {
  const { store, pass, isThere } = await setUp([])
  const fate = fateOf(store.create(NETWORK_ATTACHMENT_DEFINITIONS, OBJECT))
  expect(await isThere()).toBe(false)

  await pass(20)

  expect(fate.outcome).toBe('done')
  expect(await isThere()).toBe(true)
})

test.each([
  ['late', true],
  ['silence', false],
] as const)(
  'a request that meets "%s" fails after its time-out; done meanwhile: %s',
  async (error, isDone) => {
    const { store, pass, isThere } = await setUp([apiErrors(error)])
    const fate = fateOf(store.create(NETWORK_ATTACHMENT_DEFINITIONS, OBJECT))

    await pass(29_000)
    expect(fate.outcome).toBe('none')
    await pass(2_000)

    expect(fate.outcome).toBe('UnavailableError')
    expect(await isThere()).toBe(isDone)
  },
)

test.each([
  ['throttled', 'ThrottledError'],
  ['internal', 'UnavailableError'],
  ['conflict', 'ConflictError'],
] as const)('a request that meets "%s" is refused with %s, and nothing is done', async (error, name) => {
  const { store, pass, isThere } = await setUp([apiErrors(error)])
  const fate = fateOf(store.create(NETWORK_ATTACHMENT_DEFINITIONS, OBJECT))

  await pass(20)

  expect(fate.outcome).toBe(name)
  expect(await isThere()).toBe(false)
})

test.each(['done-500', 'done-504'] as const)(
  'a write that meets "%s" is done, and its answer says that it failed; a read is as usual',
  async (error) => {
    const { store, pass, isThere } = await setUp([apiErrors(error)])
    const write = fateOf(store.create(NETWORK_ATTACHMENT_DEFINITIONS, OBJECT))
    await pass(20)
    const read = fateOf(store.get(NETWORK_ATTACHMENT_DEFINITIONS, KEY))
    await pass(20)

    expect(write.outcome).toBe('UnavailableError')
    expect(read.outcome).toBe('done')
    expect(await isThere()).toBe(true)
  },
)

test('what a process was about to ask when it was stopped is asked when it goes on', async () => {
  const stopping: { stop?: () => void } = {}
  const { store, pass, isThere, machine, scheduler } = await setUp([], { leaving: () => stopping.stop?.() })
  stopping.stop = () => machine.pause(5_000)
  const fate = fateOf(store.create(NETWORK_ATTACHMENT_DEFINITIONS, OBJECT))
  await pass(4_000)
  expect(await isThere()).toBe(false)
  scheduler.after(1_000, scheduler.outside, () => machine.resume())
  await pass(2_000)

  expect(await isThere()).toBe(true)
  expect(fate.outcome).toBe('done')
})

test('who dies when its write was done never hears of it, and the write stays', async () => {
  const dying: { kill?: () => void } = {}
  const { store, pass, isThere, machine } = await setUp([], { done: () => dying.kill?.() })
  dying.kill = () => machine.kill()
  const fate = fateOf(store.create(NETWORK_ATTACHMENT_DEFINITIONS, OBJECT))

  await pass(60_000)

  expect(fate.outcome).toBe('none')
  expect(await isThere()).toBe(true)
})

test('a list behind a lagging cache shows how it was', async () => {
  const { store, pass } = await setUp([
    { type: 'stale-lists', at: 0, lasts: 50_000, process: 'controller-1', behindMs: 5_000 },
  ])
  await pass(6_000)
  const created = store.create(NETWORK_ATTACHMENT_DEFINITIONS, OBJECT)
  await pass(100)
  await created
  const stale = store.list(NETWORK_ATTACHMENT_DEFINITIONS)
  await pass(100)
  expect((await stale).items).toEqual([])
  await pass(6_000)
  const later = store.list(NETWORK_ATTACHMENT_DEFINITIONS)
  await pass(100)

  expect((await later).items).toHaveLength(1)
})

test('a watch tells every change in order; one that is silenced says nothing more', async () => {
  let silence = () => {}
  const { store, api, pass } = await setUp([], {
    watching: (_, watch) => {
      silence = () => watch.silence()
    },
  })
  const told: string[] = []
  const ended: unknown[] = []
  store.watch(
    NETWORK_ATTACHMENT_DEFINITIONS,
    { resourceVersion: '' },
    {
      event: (event) => told.push(event.type),
      ended: (error) => ended.push(error),
    },
  )
  await pass(10)
  await api.store.create(NETWORK_ATTACHMENT_DEFINITIONS, OBJECT)
  await api.store.patch(NETWORK_ATTACHMENT_DEFINITIONS, KEY, {
    type: 'merge',
    body: { metadata: { labels: { a: 'b' } } },
  })
  await pass(50)
  silence()
  await api.store.delete(NETWORK_ATTACHMENT_DEFINITIONS, KEY)
  await pass(50)

  expect(told).toEqual(['ADDED', 'MODIFIED'])
  expect(ended).toEqual([])
})
