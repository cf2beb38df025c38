import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startActorSystem } from '../../../actors/system.ts'
import { type Duration, milliseconds, seconds } from '../../../src/api/values/time.ts'
import { openEmbeddedApi } from '../../../src/embedded/embedded-api.ts'
import { createEventRecorder } from '../../../src/kube/event-recorder.ts'
import { createFencedStore } from '../../../src/kube/fenced-store.ts'
import { NotLeadingError } from '../../../src/kube/errors.ts'
import type { Store } from '../../../src/kube/store.ts'
import { startController } from '../../../src/processes/controller/controller.ts'
import type { StartAgents } from '../../../src/processes/controller/term.ts'
import { transportWhileLeading } from '../../../src/processes/controller/while-leading.ts'
import type { Clock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import {
  DisconnectedError,
  NoResponderError,
  RequestTimeoutError,
} from '../../../transports/messages/errors.ts'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import { IP_POOLS } from '../../../src/api/resource.ts'
import { eventually, network, pool, RESOURCES, vm } from './world.ts'

const log = pino({ level: 'silent' })

/** Counts the timers that are set. */
function countingClock(): Clock & { pending(): number } {
  const set = new Set<object>()
  return {
    now: systemClock.now,
    pending: () => set.size,
    after(delay, action) {
      const timer = {}
      set.add(timer)
      const cancel = systemClock.after(delay, () => {
        set.delete(timer)
        action()
      })
      return () => {
        set.delete(timer)
        cancel()
      }
    },
  }
}

async function setUp(startAgents?: StartAgents) {
  const clock = countingClock()
  const parts = { clock, random: systemRandom, log }
  const api = await openEmbeddedApi({ ...parts, clock: systemClock })
  const writes: string[] = []
  const counted: Store = {
    ...api.store,
    patch: (...args) => {
      writes.push(args[1].name)
      return api.store.patch(...args)
    },
    create: (...args) => {
      writes.push(args[1].metadata.name)
      return api.store.create(...args)
    },
  }
  const bus = createLocalTransport({ clock: systemClock, log })
  const system = startActorSystem({ ...parts, name: 'controller' })
  const controller = startController({
    ...parts,
    system,
    store: counted,
    transport: bus,
    recorder: createEventRecorder({ ...parts, store: counted, component: 'test', instance: 'test' }),
    resolve: async () => [],
    startAgents,
    standby: true,
  })
  const close = async () => {
    await controller.stop()
    await system.stopAll(seconds(0))
    await bus.close()
    await api.close()
  }
  await controller.whenSynced()
  await api.store.create(RESOURCES.networks, network())
  await api.store.create(RESOURCES.pools, pool())
  await api.store.create(RESOURCES.vms, vm('a', { nic: { mac: '02:00:00:00:00:01' } }))
  const used = async () => {
    const { status } = (await api.store.get(IP_POOLS, { namespace: 'default', name: 'net-48' })) as {
      status?: { ipv4?: { used?: number } }
    }
    return status?.ipv4?.used
  }
  const ask = () =>
    bus.request('mdhcp.cmd.pool.default.net-48.snapshot', { body: {} }, { timeout: milliseconds(100) })
  return { api, bus, clock, controller, system, writes, used, ask, close }
}

test('a standby watches, is ready, writes nothing and answers nothing', async () => {
  const { controller, system, writes, ask, close } = await setUp()
  await eventually(async () => expect(controller.pools()).toHaveLength(1))
  expect(controller.ready()).toEqual({ ok: true, reasons: [] })
  expect(system.stats().actors).toBe(0)
  expect(writes).toEqual([])
  await expect(ask()).rejects.toThrow(NoResponderError)
  await close()
})

test('terms come and go without leaving anything behind, and each goes on where the last one was', async () => {
  const { api, clock, controller, system, used, ask, close } = await setUp()
  // One that will ask again in a while, whoever leads then.
  await api.store.create(RESOURCES.configs, {
    metadata: { name: 'poolless', namespace: 'default' },
    spec: {
      vmName: 'poolless',
      networkConfig: [{ macAddress: '02:00:00:00:02:01', networkName: 'default/net-99' }],
    },
  })
  const idle = clock.pending()
  for (let term = 1; term <= 5; term += 1) {
    await api.store.create(RESOURCES.vms, vm(`vm-${term}`, { nic: { mac: `02:00:00:00:01:0${term}` } }))
    controller.lead()
    await eventually(async () => expect(await used()).toBe(term + 1))
    await eventually(async () => expect(system.stats().actors).toBe(term + 3))

    controller.standBy()
    expect(system.stats().actors).toBe(0)
    await expect(ask()).rejects.toThrow(NoResponderError)
    // The recorder, which is no part of the term, may have one timer.
    expect(clock.pending()).toBeLessThanOrEqual(idle + 1)
  }
  await close()
})

test('who keeps the agents hears of changes, and the next term waits until the last has come to its end', async () => {
  const heard: string[] = []
  let finish = () => {}
  const startAgents: StartAgents = ({ informers }) => {
    heard.push(`begins with ${informers.pools.list().length} pools`)
    return {
      poolChanged: ({ name }) => heard.push(`pool ${name}`),
      networkChanged: ({ name }) => heard.push(`network ${name}`),
      deploymentOf: () => undefined,
      ready: () => ({ ok: false, reasons: ['pods: not listed yet'] }),
      stop: () =>
        new Promise((resolve) => {
          finish = resolve
        }),
    }
  }
  const { api, controller, close } = await setUp(startAgents)
  await eventually(async () => expect(controller.pools()).toHaveLength(1))
  controller.lead()
  await eventually(async () => expect(heard).toContain('begins with 1 pools'))
  expect(controller.ready().reasons).toEqual(['pods: not listed yet'])
  await api.store.create(RESOURCES.networks, network('net-49'))
  await eventually(async () =>
    expect(heard).toEqual(expect.arrayContaining(['pool net-48', 'network net-49'])),
  )
  controller.standBy()
  heard.length = 0
  controller.lead()
  await new Promise((resolve) => setImmediate(resolve))
  expect(heard).toEqual([])
  finish()
  await eventually(async () => expect(heard).toContain('begins with 1 pools'))
  const closed = close()
  finish()
  await closed
})

test('a last term that does not come to its end, its write hangs say, holds up the next one for two seconds', async () => {
  const heard: string[] = []
  const startAgents: StartAgents = () => {
    heard.push('begins')
    return {
      poolChanged() {},
      networkChanged() {},
      deploymentOf: () => undefined,
      ready: () => ({ ok: true, reasons: [] }),
      stop: () => (heard.length === 1 ? new Promise(() => {}) : Promise.resolve()),
    }
  }
  const { controller, close } = await setUp(startAgents)
  controller.lead()
  await eventually(async () => expect(heard).toEqual(['begins']))
  controller.standBy()

  controller.lead()

  await eventually(async () => expect(heard).toEqual(['begins', 'begins']))
  await close()
})

test('who does not lead any more writes nothing, says nothing and answers nothing', async () => {
  let isLeading = true
  const api = await openEmbeddedApi({ clock: systemClock, random: systemRandom, log })
  const bus = createLocalTransport({ clock: systemClock, log })
  const store = createFencedStore(api.store, () => isLeading)
  const transport = transportWhileLeading(bus, () => isLeading)
  const heard: unknown[] = []
  bus.subscribe('event', ({ body }) => heard.push(body))
  transport.serve('question', async () => ({ body: 'answer' }))
  const ask = (timeout: Duration) => bus.request('question', { body: 1 }, { timeout })
  await store.create(RESOURCES.networks, network('one'))
  transport.publish('event', { body: 1 })
  expect((await ask(seconds(10))).body).toBe('answer')

  isLeading = false
  const key = { namespace: 'default', name: 'one' }
  await expect(store.create(RESOURCES.networks, network('two'))).rejects.toThrow(NotLeadingError)
  await expect(store.update(RESOURCES.networks, network('one'))).rejects.toThrow(NotLeadingError)
  await expect(store.patch(RESOURCES.networks, key, { type: 'merge', body: {} })).rejects.toThrow(
    NotLeadingError,
  )
  await expect(store.delete(RESOURCES.networks, key)).rejects.toThrow(NotLeadingError)
  expect((await store.list(RESOURCES.networks)).items).toHaveLength(1)
  transport.publish('event', { body: 2 })
  await expect(transport.request('question', { body: 1 }, { timeout: seconds(1) })).rejects.toThrow(
    DisconnectedError,
  )
  // Not refused, which would count as an answer: left to whoever leads.
  await expect(ask(milliseconds(50))).rejects.toThrow(RequestTimeoutError)
  expect(heard).toEqual([1])
  await bus.close()
  await api.close()
})
