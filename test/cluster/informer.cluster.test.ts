import { setTimeout as wait } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import { IP_POOLS } from '../../src/api/resource.ts'
import { milliseconds, seconds } from '../../src/api/values/time.ts'
import { createKubeStore, type KubeStore } from '../../src/kube/client.ts'
import { ConflictError, ExpiredError, StoreError, ThrottledError } from '../../src/kube/errors.ts'
import { createInformer } from '../../src/kube/informer.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { eventually } from '../e2e/support/eventually.ts'
import { POOL_SPEC } from '../kubernetes-api/manifests.ts'
import { untilControllersWork } from './control-plane/controllers.ts'
import { type ControlPlane, sharedControlPlane } from './control-plane/control-plane.ts'

const parts = { clock: systemClock, random: systemRandom, log: pino({ level: 'silent' }) }
/** How long after the API is there again everything has to be known. */
const SECONDS_TO_CATCH_UP = 10

let controlPlane: ControlPlane
let store: KubeStore
let label: string

beforeAll(async () => {
  controlPlane = await sharedControlPlane()
  store = createKubeStore({ ...parts, kubeconfig: controlPlane.kubeconfig })
})
afterAll(async () => {
  store?.close()
  // The next file finds a control plane that works.
  if (controlPlane?.hasControllers) await untilControllersWork(controlPlane)
})
beforeEach(() => {
  label = `informer-${systemRandom.uuid()}`
})

function pool(name: string): KubeObject {
  return {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    metadata: { namespace: 'default', name: `${label}-${name}`, labels: { suite: label } },
    spec: POOL_SPEC,
  }
}

/** What the API server has. One that just came back lists no labels until its cache is full: it says to ask again. */
async function listed(): Promise<string[]> {
  const { items } = await eventually('a list', () =>
    store.list(IP_POOLS, { labelSelector: `suite=${label}` }),
  )
  return items.map(({ metadata }) => metadata.name.slice(label.length + 1))
}

const keyOf = (name: string) => ({ namespace: 'default', name: `${label}-${name}` })
const create = (name: string) => store.create(IP_POOLS, pool(name))
const remove = (name: string) => store.delete(IP_POOLS, keyOf(name))
const edit = (name: string, leaseTime: number) =>
  store.patch(IP_POOLS, keyOf(name), { type: 'merge', body: { spec: { ipv4Config: { leaseTime } } } })

/** An informer of this test's pools, and what it told of each: how often it came, how often it went. */
async function follow() {
  const informer = createInformer({
    ...parts,
    store,
    resource: IP_POOLS,
    scope: { labelSelector: `suite=${label}` },
    // The longest pause of the default is longer than what is measured here.
    backoff: { first: milliseconds(200), longest: seconds(2) },
  })
  onTestFinished(() => informer.stop())
  const told: string[] = []
  informer.onChange(({ name }, object, previous) => {
    const short = name.slice(label.length + 1)
    if (object === undefined) told.push(`${short} gone`)
    else if (previous === undefined) told.push(`${short} new`)
    else if (previous.metadata.resourceVersion === object.metadata.resourceVersion) told.push(`${short} same`)
  })
  informer.start()
  await informer.whenSynced()
  /** The cache holds just what the API server lists, and the handlers were told of each coming and going once. */
  const isUpToDate = async (expected: readonly string[]) => {
    const began = performance.now()
    await eventually(
      'the informer knows what the API server knows',
      async () => {
        const { items } = await store.list(IP_POOLS, { labelSelector: `suite=${label}` })
        const versions = (objects: KubeObject[]) =>
          objects.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).sort()
        expect(versions(informer.list())).toEqual(versions(items))
        expect(told.toSorted()).toEqual(expected.toSorted())
        return true
      },
      { seconds: 60 },
    )
    return (performance.now() - began) / 1000
  }
  return { informer, isUpToDate }
}

/** Writes pools until it is told to stop, also while there is no API server, and says which ones were accepted. */
function writeAllTheTime(prefix: string) {
  const accepted: string[] = []
  let isOver = false
  const running = (async () => {
    for (let index = 0; !isOver; index += 1) {
      const name = `${prefix}${index}`
      await create(name).then(
        () => accepted.push(name),
        (error: unknown) => {
          if (!(error instanceof StoreError)) throw error
        },
      )
      await wait(20)
    }
  })()
  return async () => {
    isOver = true
    await running
    return accepted
  }
}

test('an API server that is killed and comes back: what changed meanwhile is told, once, within seconds', async () => {
  for (const name of ['stays', 'edited', 'goes']) await create(name)
  const { isUpToDate } = await follow()
  const stopWriting = writeAllTheTime('w')

  await controlPlane.apiServer.kill('SIGKILL')
  controlPlane.apiServer.start()
  await controlPlane.apiServer.whenReady()
  await edit('edited', 77)
  await remove('goes')
  const accepted = await stopWriting()

  expect(accepted.length).toBeGreaterThan(0)
  // A write whose answer was lost may have been carried out: the list of the API server says which.
  const names = await listed()
  expect(names).toEqual(expect.arrayContaining(accepted))
  const news = [...names, 'goes'].map((name) => `${name} new`)
  expect(await isUpToDate([...news, 'goes gone'])).toBeLessThan(SECONDS_TO_CATCH_UP)
})

test('etcd that is killed and comes back: nothing lost, nothing doubled', async () => {
  await create('before')
  const { isUpToDate } = await follow()

  await controlPlane.etcd.kill('SIGKILL')
  // Nothing answers until etcd is back: it is accepted late, or not at all.
  const during = create('during').catch((error: unknown) => error)
  await wait(3_000)
  controlPlane.etcd.start()
  await controlPlane.etcd.whenReady()
  await controlPlane.apiServer.whenReady()
  const outcome = await during
  if (outcome instanceof Error) expect(outcome).toBeInstanceOf(StoreError)
  await create('after')

  const names = await listed()
  expect(names).toEqual(expect.arrayContaining(['before', 'after']))
  expect(await isUpToDate(names.map((name) => `${name} new`))).toBeLessThan(SECONDS_TO_CATCH_UP)
})

test('both are killed while writes go on: a compare-and-set that was answered holds', async () => {
  const pool = await create('cas')
  let { resourceVersion } = pool.metadata
  let used = 0
  const write = (next: number) =>
    store.patch(
      IP_POOLS,
      keyOf('cas'),
      { type: 'merge', body: { metadata: { resourceVersion }, status: { ipv4: { used: next } } } },
      'status',
    )
  const restart = async () => {
    await controlPlane.apiServer.kill('SIGKILL')
    await controlPlane.etcd.kill('SIGKILL')
    controlPlane.etcd.start()
    await controlPlane.etcd.whenReady()
    controlPlane.apiServer.start()
    await controlPlane.apiServer.whenReady()
  }
  const restarting = restart()
  let isOver = false
  void restarting.finally(() => {
    isOver = true
  })
  while (!isOver || used < 3) {
    try {
      const written = await write(used + 1)
      used += 1
      resourceVersion = written.metadata.resourceVersion
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      // Carried out without an answer, perhaps: only what is read counts.
      const current = await store.get(IP_POOLS, keyOf('cas')).catch(() => undefined)
      if (current === undefined) continue
      const status = Object(current.status).ipv4?.used ?? 0
      expect([used, used + 1]).toContain(status)
      if (error instanceof ConflictError) expect(status).toBe(used + 1)
      used = status
      resourceVersion = current.metadata.resourceVersion
    }
  }
  await restarting
  expect(Object((await store.get(IP_POOLS, keyOf('cas'))).status).ipv4.used).toBe(used)
})

test('a watch from a state that is forgotten is ExpiredError, and an informer lists again', async () => {
  await create('old')
  const { resourceVersion } = await store.list(IP_POOLS)
  const { isUpToDate } = await follow()
  await edit('old', 88)
  await controlPlane.compact()
  // What the API server remembers of the time before is gone with it.
  await controlPlane.apiServer.kill('SIGKILL')
  controlPlane.apiServer.start()
  await controlPlane.apiServer.whenReady()

  const endOfWatch = () =>
    new Promise<Error | undefined>((resolve) => {
      store.watch(IP_POOLS, { resourceVersion }, { event() {}, ended: resolve })
    })
  const error = await eventually('the API server has filled its cache of IPPools', async () => {
    const end = await endOfWatch()
    return end instanceof ThrottledError ? undefined : end
  })
  expect(error).toBeInstanceOf(ExpiredError)
  expect(await isUpToDate(['old new'])).toBeLessThan(SECONDS_TO_CATCH_UP)
})
