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
import { createSimulatedStore } from '../../../simulations/world/simulated-store.ts'
import type { WatchSwitch } from '../../../simulations/world/simulated-watch.ts'
import { NETWORK_ATTACHMENT_DEFINITIONS as NETWORKS } from '../../../src/api/resource.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { createInformer } from '../../../src/kube/informer.ts'
import { recordingLog } from '../../support/recording-log.ts'

const KEY = { namespace: 'default', name: 'net-1' }
const PROCESS = 'agent-net-1-1'

/** A process with an informer of networks, which has heard of one. */
async function setUp(faults: readonly Fault[] = []) {
  const scheduler = new Scheduler(createChance(1, 'order'), newLife('outside'))
  const { log } = recordingLog()
  const api = await openApiServer(scheduler, createChance(1, 'api'), log)
  const { life, clock } = new Machine(PROCESS, scheduler).begin()
  const coverage = createCoverage()
  const windows = new FaultWindows(faults, () => scheduler.now, 10_000_000)
  const watches: WatchSwitch[] = []
  const asked: string[] = []
  const nothing = () => {}
  const store = createSimulatedStore({
    life,
    clock,
    scheduler,
    api,
    faults: createApiFaults(1, windows, coverage),
    observer: {
      leaving: ({ what }) => asked.push(what),
      done: nothing,
      heard: nothing,
      answered: nothing,
      learned: nothing,
      watching: (_, watch) => watches.push(watch),
    },
    timeout: seconds(30),
  })
  const pass = (count: number) =>
    scheduler.runUntil(
      scheduler.now + count,
      (action) => setImmediate(action),
      () => false,
    )
  const label = (value: string) =>
    api.store.patch(NETWORKS, KEY, { type: 'merge', body: { metadata: { labels: { value } } } })
  await api.store.create(NETWORKS, networkObject(network(1, 10, 60)))
  const informer = createInformer({ store, resource: NETWORKS, clock, random: createChance(1, 'i'), log })
  informer.start()
  await pass(100)
  const known = () => informer.get(KEY)?.metadata.labels?.value
  const [watch] = watches
  if (watch === undefined) throw new Error('nobody watches')
  return { pass, label, known, watch, asked, coverage }
}

const lists = (asked: readonly string[]) => asked.filter((what) => what.startsWith('list')).length

test('a watch that the server ends is resumed, and what happened meanwhile is told without a list', async () => {
  const { pass, label, known, watch, asked } = await setUp()
  await label('before')
  await pass(100)
  watch.finish(3_000)
  await label('meanwhile')
  await pass(2_500)
  expect(known()).toBe('before')

  await pass(1_000)

  expect(known()).toBe('meanwhile')
  expect(lists(asked)).toBe(1)
})

test('a change that a watch does not tell is found by the next list', async () => {
  const { pass, label, known, watch } = await setUp()
  watch.miss(1, () => {})
  await label('missed')
  await pass(60_000)
  expect(known()).toBeUndefined()

  await pass(700_000)

  expect(known()).toBe('missed')
})

test('watches that lag tell in order, and at last', async () => {
  const { pass, label, known, coverage } = await setUp([
    { type: 'watch-lag', at: 0, lasts: 60_000, process: PROCESS, upToMs: 10_000 },
  ])
  const seen: unknown[] = []
  for (let value = 1; value <= 20; value++) {
    await label(String(value))
    await pass(10)
  }
  expect(known()).not.toBe('20')
  for (let step = 0; step < 1_000; step++) {
    await pass(20)
    if (seen.at(-1) !== known()) seen.push(known())
  }

  expect(seen.map(Number)).toEqual(seen.map(Number).toSorted((a, b) => a - b))
  expect(seen.at(-1)).toBe('20')
  expect(coverage.counts()).toMatchObject({ 'watch lag × watch network-attachment-definitions': 20 })
})

test('a watch behind a lagging cache tells of a change as late as a list shows it', async () => {
  const { pass, label, known } = await setUp([
    { type: 'stale-lists', at: 50, lasts: 60_000, process: PROCESS, behindMs: 5_000 },
  ])
  await label('new')
  await pass(4_000)
  expect(known()).toBeUndefined()

  await pass(1_100)

  expect(known()).toBe('new')
})

test.each([
  [{ type: 'api-errors', at: 12_000, lasts: 5_000, process: PROCESS, share: 1, error: 'internal' }],
  [{ type: 'api-errors', at: 12_000, lasts: 5_000, process: PROCESS, share: 1, error: 'throttled' }],
  [{ type: 'cut', at: 12_000, lasts: 5_000, from: PROCESS, to: 'api' }],
] satisfies [Fault][])('a watch cannot be opened during %j, and is afterwards', async (fault) => {
  const { pass, label, known, watch, coverage } = await setUp([fault])
  // Of a watch that is closed at once nothing is believed.
  await pass(12_000)
  watch.finish(0)
  await label('meanwhile')
  await pass(4_000)
  expect(known()).toBeUndefined()

  await pass(60_000)

  expect(known()).toBe('meanwhile')
  if (fault.type === 'api-errors') {
    expect(Object.keys(coverage.counts()).join()).toContain(`API ${fault.error} × watch network-attachment`)
  }
})
