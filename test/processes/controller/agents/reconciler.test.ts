import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { AgentDeployment } from '../../../../actors/pool/agent-pods.ts'
import { type KubeObject, objectMetaSchema } from '../../../../src/api/object.ts'
import { DEPLOYMENTS, IP_POOLS, NETWORK_ATTACHMENT_DEFINITIONS, PODS } from '../../../../src/api/resource.ts'
import { openEmbeddedApi } from '../../../../src/embedded/embedded-api.ts'
import { ForbiddenError } from '../../../../src/kube/errors.ts'
import type { Store } from '../../../../src/kube/store.ts'
import { type Deployment, deploymentSchema } from '../../../../src/processes/controller/agents/deployment.ts'
import { startAgentReconciler } from '../../../../src/processes/controller/agents/reconciler.ts'
import { createControllerInformers } from '../../../../src/processes/controller/informers.ts'
import { systemRandom } from '../../../../src/runtime/random.ts'
import { systemClock } from '../../../../src/runtime/system-clock.ts'
import { poolObject } from '../../../support/objects.ts'
import { KEY, networkObject, SETTINGS } from './builders.ts'

const log = pino({ level: 'silent' })
const parts = { clock: systemClock, random: systemRandom, log }
const { namespace } = SETTINGS
const NAME = 'default-net-48-agent'

/** An API in memory and, when a test says so, a reconciler on it. */
async function openCluster() {
  const api = await openEmbeddedApi(parts)
  onTestFinished(() => api.close())
  const { store } = api
  const { spec } = poolObject()
  await store.create(NETWORK_ATTACHMENT_DEFINITIONS, networkObject())
  await store.create(IP_POOLS, { metadata: KEY, spec })
  const events: string[] = []
  const writes: string[] = []

  function start(settings = SETTINGS, change: (store: Store) => Store = (same) => same) {
    const seen = change(counting(store))
    const informers = createControllerInformers({ ...parts, store })
    const told: AgentDeployment[] = []
    const reconciler = startAgentReconciler({
      ...parts,
      ...settings,
      store: seen,
      recorder: { record: (_, { reason, message }) => events.push(`${reason} ${message}`) },
      pools: informers.pools,
      networks: informers.networks,
      changed(pool) {
        const deployment = reconciler.deploymentOf(pool)
        if (deployment !== undefined) told.push(deployment)
      },
    })
    informers.pools.onChange((key) => reconciler.poolChanged(key))
    informers.networks.onChange((key) => reconciler.networkChanged(key))
    informers.pools.start()
    informers.networks.start()
    const stop = async () => {
      informers.pools.stop()
      informers.networks.stop()
      await reconciler.stop()
    }
    onTestFinished(stop)
    return { told, stop, reconciler }
  }

  function counting(inner: Store): Store {
    return {
      get: (...args) => inner.get(...args),
      list: (...args) => inner.list(...args),
      watch: (...args) => inner.watch(...args),
      patch: (...args) => inner.patch(...args),
      create(resource, object) {
        writes.push(`create ${object.metadata.name}`)
        return inner.create(resource, object)
      },
      update(resource, object, subresource) {
        writes.push(`update ${object.metadata.name}`)
        return inner.update(resource, object, subresource)
      },
      delete(resource, key, options) {
        writes.push(`delete ${key.name}`)
        return inner.delete(resource, key, options)
      },
    }
  }

  return {
    store,
    events,
    writes,
    start,
    agent: async (name = NAME) => deploymentSchema.parse(await store.get(DEPLOYMENTS, { namespace, name })),
    names: async () =>
      (await store.list(DEPLOYMENTS, { namespace })).items.map(({ metadata }) => metadata.name),
    edit: (body: Record<string, unknown>) => store.patch(IP_POOLS, KEY, { type: 'merge', body }),
  }
}

const eventually = (look: () => unknown) => vi.waitFor(look, { timeout: 10_000, interval: 20 })

test('a pool gets one Deployment, an edit of its server address changes it, its end takes it away', async () => {
  const cluster = await openCluster()
  const { told } = cluster.start()
  await eventually(async () => expect(await cluster.names()).toEqual([NAME]))

  await cluster.edit({ spec: { ipv4Config: { serverIP: '192.168.48.78' } } })
  await eventually(async () => {
    const { template } = (await cluster.agent()).spec
    expect(template.spec.initContainers?.[0]?.args?.at(-1)).toBe('192.168.48.78/24')
  })

  await cluster.store.delete(IP_POOLS, KEY)
  await eventually(async () => expect(await cluster.names()).toEqual([]))
  expect(cluster.writes).toEqual([`create ${NAME}`, `update ${NAME}`, `delete ${NAME}`])
  expect(cluster.events.map((text) => text.split(' ')[0])).toEqual(['AgentDeployed', 'AgentUpdated'])
  expect(told.at(-1)).toEqual({ pods: [], problem: undefined })
})

test('a pool that went while no controller ran leaves no agent behind; what is not ours is not touched', async () => {
  const cluster = await openCluster()
  const first = cluster.start()
  await eventually(async () => expect(await cluster.names()).toEqual([NAME]))
  await first.stop()
  await cluster.store.delete(IP_POOLS, KEY)
  const labels = { 'network.harvesterhci.io/vm-dhcp-controller': 'agent' }
  await cluster.store.create(DEPLOYMENTS, {
    metadata: { namespace, name: 'somebody-elses', labels },
    spec: {},
  })

  cluster.start()

  await eventually(async () => expect(await cluster.names()).toEqual(['somebody-elses']))
})

test('a Deployment that somebody changed meanwhile is not deleted on old news, but looked at again', async () => {
  const cluster = await openCluster()
  let isChanged = false
  cluster.start(SETTINGS, (store) => ({
    ...store,
    async delete(resource, key, options) {
      const metadata = { annotations: { 'changed-by': 'another leader' } }
      if (!isChanged) await cluster.store.patch(resource, key, { type: 'merge', body: { metadata } })
      isChanged = true
      return store.delete(resource, key, options)
    },
  }))
  await eventually(async () => expect(await cluster.names()).toEqual([NAME]))

  await cluster.store.delete(IP_POOLS, KEY)

  await eventually(async () => expect(await cluster.names()).toEqual([]))
  expect(cluster.writes).toEqual([`create ${NAME}`, `delete ${NAME}`, `delete ${NAME}`])
})

test('paused, the agent goes; unpaused, it comes back', async () => {
  const cluster = await openCluster()
  cluster.start()
  await eventually(async () => expect(await cluster.names()).toEqual([NAME]))

  await cluster.edit({ spec: { paused: true } })
  await eventually(async () => expect(await cluster.names()).toEqual([]))
  await cluster.edit({ spec: { paused: false } })
  await eventually(async () => expect(await cluster.names()).toEqual([NAME]))
})

test('an upgrade waits for the annotation to go, and is told once', async () => {
  const cluster = await openCluster()
  await cluster.edit({
    metadata: { annotations: { 'network.harvesterhci.io/hold-ippool-agent-upgrade': 'true' } },
  })
  const first = cluster.start()
  await eventually(async () => expect(await cluster.names()).toEqual([NAME]))
  await first.stop()

  cluster.start({ ...SETTINGS, image: 'managed-dhcp:0.2.0' })
  const heldTold = () => cluster.events.filter((text) => text.startsWith('AgentImageHeld'))
  await eventually(() => expect(heldTold()).toHaveLength(1))
  const image = async () => (await cluster.agent()).spec.template.spec.containers[0]?.image
  expect(await image()).toBe('managed-dhcp:0.1.0')

  await cluster.edit({
    metadata: { annotations: { 'network.harvesterhci.io/hold-ippool-agent-upgrade': null } },
  })
  await eventually(async () => expect(await image()).toBe('managed-dhcp:0.2.0'))
  expect(heldTold()).toHaveLength(1)
})

test('a name that another Deployment has is left to it, and an event says so', async () => {
  const cluster = await openCluster()
  const foreign = { metadata: { namespace, name: NAME }, spec: { replicas: 3 } }
  await cluster.store.create(DEPLOYMENTS, foreign)

  cluster.start()

  await eventually(async () => expect(await cluster.names()).toHaveLength(2))
  expect((await cluster.store.get(DEPLOYMENTS, { namespace, name: NAME })).spec).toEqual({ replicas: 3 })
  await eventually(() => expect(cluster.events.join()).toMatch(/AgentNameTaken .*is left alone/))
})

test('a right that is missing is told on the pool, and made use of when it comes', async () => {
  const cluster = await openCluster()
  let isForbidden = true
  const { told } = cluster.start(SETTINGS, (store) => ({
    ...store,
    create: (...args) =>
      isForbidden
        ? Promise.reject(new ForbiddenError(403, 'deployments is forbidden'))
        : store.create(...args),
  }))
  await eventually(() => expect(told.at(-1)?.problem?.message).toMatch(/deployments is forbidden/))
  expect(cluster.events).toEqual([expect.stringMatching(/^AgentNotDeployed .*deployments is forbidden/)])

  isForbidden = false

  await eventually(async () => expect(await cluster.names()).toEqual([NAME]))
  await eventually(() => expect(told.at(-1)?.problem).toBeUndefined())
})

test('the pods of an agent are seen as they come, get ready, and hang', async () => {
  const cluster = await openCluster()
  const { told } = cluster.start()
  await eventually(async () => expect(await cluster.names()).toEqual([NAME]))
  const pod: KubeObject = {
    metadata: {
      ...agentMetadata(await cluster.agent()),
      namespace,
      name: `${NAME}-1`,
      finalizers: ['test/hangs'],
    },
  }

  await cluster.store.create(PODS, { ...pod, spec: {} })
  const status = async (body: Record<string, unknown>) =>
    cluster.store.patch(
      PODS,
      { namespace, name: `${NAME}-1` },
      { type: 'merge', body: { status: body } },
      'status',
    )
  await status({
    initContainerStatuses: [
      { name: 'server-address', state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } },
    ],
  })
  await eventually(() =>
    expect(told.at(-1)?.pods).toMatchObject([
      { ready: false, problem: 'container server-address: ImagePullBackOff: not found' },
    ]),
  )
  await status({ initContainerStatuses: null, conditions: [{ type: 'Ready', status: 'True' }] })
  await eventually(() =>
    expect(told.at(-1)?.pods).toMatchObject([{ ready: true, terminating: false, problem: undefined }]),
  )
  await cluster.store.delete(PODS, { namespace, name: `${NAME}-1` })
  await eventually(() => expect(told.at(-1)?.pods).toMatchObject([{ terminating: true }]))
})

test('a quota that refuses the pods is told', async () => {
  const cluster = await openCluster()
  const { told } = cluster.start()
  await eventually(async () => expect(await cluster.names()).toEqual([NAME]))
  const conditions = [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: pods' }]

  const body = { status: { conditions } }
  await cluster.store.patch(DEPLOYMENTS, { namespace, name: NAME }, { type: 'merge', body }, 'status')

  await eventually(() =>
    expect(told.at(-1)?.problem).toEqual({ reason: 'AgentPodRefused', message: 'exceeded quota: pods' }),
  )
})

function agentMetadata({ spec }: Deployment): KubeObject['metadata'] {
  return objectMetaSchema.parse({ name: '', ...spec.template.metadata })
}
