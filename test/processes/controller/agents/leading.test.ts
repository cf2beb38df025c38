import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startActorSystem } from '../../../../actors/system.ts'
import { ipPoolSchema } from '../../../../src/api/ippool.ts'
import { objectMetaSchema } from '../../../../src/api/object.ts'
import { DEPLOYMENTS, IP_POOLS, NETWORK_ATTACHMENT_DEFINITIONS, PODS } from '../../../../src/api/resource.ts'
import { seconds } from '../../../../src/api/values/time.ts'
import { openEmbeddedApi } from '../../../../src/embedded/embedded-api.ts'
import { deploymentSchema } from '../../../../src/processes/controller/agents/deployment.ts'
import { startAgentReconciler } from '../../../../src/processes/controller/agents/reconciler.ts'
import { startController } from '../../../../src/processes/controller/controller.ts'
import { systemRandom } from '../../../../src/runtime/random.ts'
import { systemClock } from '../../../../src/runtime/system-clock.ts'
import { createLocalTransport } from '../../../../transports/messages/local.ts'
import { poolObject } from '../../../support/objects.ts'
import { KEY, SETTINGS } from './builders.ts'

const log = pino({ level: 'silent' })
const parts = { clock: systemClock, random: systemRandom, log }
const { namespace } = SETTINGS

test('a controller that leads deploys the agent; the pool’s status follows its pods; one that stands by does not', async () => {
  const api = await openEmbeddedApi(parts)
  const { store } = api
  const system = startActorSystem({ ...parts, name: 'controller' })
  const transport = createLocalTransport(parts)
  const controller = startController({
    ...parts,
    system,
    store,
    transport,
    recorder: { record() {}, async close() {} },
    resolve: async () => [],
    startAgents: ({ informers, ...rest }, changed) =>
      startAgentReconciler({
        ...rest,
        ...SETTINGS,
        pools: informers.pools,
        networks: informers.networks,
        changed,
      }),
    standby: true,
  })
  onTestFinished(async () => {
    await controller.stop()
    await system.stopAll(seconds(0))
    await transport.close()
    await api.close()
  })
  await store.create(NETWORK_ATTACHMENT_DEFINITIONS, { metadata: KEY })
  await store.create(IP_POOLS, { metadata: KEY, spec: poolObject().spec })
  await controller.whenSynced()
  expect((await store.list(DEPLOYMENTS, { namespace })).items).toEqual([])

  controller.lead()

  const name = 'default-net-48-agent'
  const deployment = await eventually(async () =>
    deploymentSchema.parse(await store.get(DEPLOYMENTS, { namespace, name })),
  )
  const metadata = objectMetaSchema.parse({
    ...deployment.spec.template.metadata,
    namespace,
    name: `${name}-1`,
  })
  await store.create(PODS, { metadata, spec: {} })
  await eventually(async () => {
    expect(await readiness()).toMatchObject({ status: 'False', reason: 'AgentNotReady' })
  })
  const ready = { conditions: [{ type: 'Ready', status: 'True' }] }
  await store.patch(
    PODS,
    { namespace, name: `${name}-1` },
    { type: 'merge', body: { status: ready } },
    'status',
  )
  await eventually(async () => expect(await readiness()).toMatchObject({ status: 'True' }))
  expect((await pool()).status?.agentPodRef).toEqual({ namespace, name: `${name}-1` })
  expect(controller.ready()).toEqual({ ok: true, reasons: [] })

  controller.standBy()
  await store.delete(DEPLOYMENTS, { namespace, name })
  await store.patch(IP_POOLS, KEY, { type: 'merge', body: { metadata: { labels: { seen: 'true' } } } })
  expect((await store.list(DEPLOYMENTS, { namespace })).items).toEqual([])

  async function pool() {
    return ipPoolSchema.parse(await store.get(IP_POOLS, KEY))
  }
  async function readiness() {
    return (await pool()).status?.conditions?.find(({ type }) => type === 'AgentReady')
  }
})

function eventually<T>(look: () => Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: 10_000, interval: 20 })
}
