import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { EVENTS, IP_POOLS } from '../../src/api/resource.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import { openEmbeddedApi } from '../../src/embedded/embedded-api.ts'
import { createKubeStore } from '../../src/kube/client.ts'
import { createEventRecorder } from '../../src/kube/event-recorder.ts'
import { createInformer } from '../../src/kube/informer.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { recordingLog } from '../support/recording-log.ts'
import { writeKubeconfig } from '../support/temporary-kubeconfig.ts'
import { storeContract } from './store-contract.ts'

const parts = { clock: systemClock, random: systemRandom }

async function connect() {
  const { log } = recordingLog()
  const directory = await mkdtemp(join(tmpdir(), 'managed-dhcp-test-'))
  const api = await openEmbeddedApi({ ...parts, log })
  const { url } = await api.listen({})
  const store = createKubeStore({ ...parts, log, kubeconfig: await writeKubeconfig(directory, url) })
  const cleanup = async () => {
    store.close()
    await api.close()
    await rm(directory, { recursive: true })
  }
  return { api, store, log, cleanup }
}

storeContract('the client over HTTP, with the embedded API behind it,', connect)

async function setUp() {
  const connection = await connect()
  onTestFinished(connection.cleanup)
  return connection
}

const pool = (name: string) => ({
  apiVersion: 'network.harvesterhci.io/v1alpha1',
  kind: 'IPPool',
  metadata: { namespace: 'default', name },
  spec: {
    ipv4Config: {
      serverIP: '192.168.48.77',
      cidr: '192.168.48.0/24',
      pool: { start: '192.168.48.81', end: '192.168.48.90', exclude: ['192.168.48.81'] },
    },
    networkName: `default/${name}`,
  },
})

test('an informer over HTTP hears of what is there, of changes and of deletions', async () => {
  const { api, store, log } = await setUp()
  await api.store.create(IP_POOLS, pool('net-48'))
  const informer = createInformer({
    ...parts,
    store,
    log,
    resource: IP_POOLS,
    scope: { namespace: 'default' },
  })
  onTestFinished(() => informer.stop())
  const changes: string[] = []
  let heard = () => {}
  informer.onChange((key, object) => {
    changes.push(`${formatObjectKey(key)} ${object === undefined ? 'gone' : 'there'}`)
    heard()
  })
  const next = () => new Promise<void>((resolve) => (heard = resolve))

  informer.start()
  await informer.whenSynced()
  let change = next()
  await api.store.create(IP_POOLS, pool('net-49'))
  await change
  change = next()
  await api.store.delete(IP_POOLS, { namespace: 'default', name: 'net-48' })
  await change

  expect(changes).toEqual(['default/net-48 there', 'default/net-49 there', 'default/net-48 gone'])
  expect(informer.list().map((one) => one.metadata.name)).toEqual(['net-49'])
})

test('an event reaches the API server and is counted there', async () => {
  const { api, store, log } = await setUp()
  const recorder = createEventRecorder({ ...parts, store, log, component: 'test', instance: 'here' })
  const subject = { resource: IP_POOLS, namespace: 'default', name: 'net-48', uid: 'u1' }
  const event = { type: 'Warning', reason: 'PoolExhausted', message: 'no free address' } as const
  const counts = async () =>
    (await api.store.list(EVENTS, { namespace: 'default' })).items.map((one) => one.count)
  recorder.record(subject, event)
  await expect.poll(counts).toEqual([1])
  recorder.record(subject, event)
  await expect.poll(counts).toEqual([2])
  await recorder.close()
})

test('an informer outlives the API server: what changed around a restart is heard of', async () => {
  const { log } = recordingLog()
  const directory = await mkdtemp(join(tmpdir(), 'managed-dhcp-test-'))
  const open = () => openEmbeddedApi({ ...parts, log, dataDirectory: join(directory, 'data') })
  let api = await open()
  const { url } = await api.listen({})
  const store = createKubeStore({ ...parts, log, kubeconfig: await writeKubeconfig(directory, url) })
  const informer = createInformer({ ...parts, store, log, resource: IP_POOLS })
  onTestFinished(async () => {
    informer.stop()
    store.close()
    await api.close()
    await rm(directory, { recursive: true })
  })
  await api.store.create(IP_POOLS, pool('net-48'))
  informer.start()
  await informer.whenSynced()

  await api.close()
  api = await open()
  await api.store.delete(IP_POOLS, { namespace: 'default', name: 'net-48' })
  await api.store.create(IP_POOLS, pool('net-49'))
  await api.listen({ port: Number(new URL(url).port) })

  const names = () => informer.list().map((one) => one.metadata.name)
  await expect.poll(names, { timeout: 30_000 }).toEqual(['net-49'])
})
