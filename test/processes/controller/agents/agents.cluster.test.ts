import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { AgentDeployment } from '../../../../actors/pool/agent-pods.ts'
import type { KubeObject } from '../../../../src/api/object.ts'
import {
  apiVersionOf,
  DEPLOYMENTS,
  IP_POOLS,
  NETWORK_ATTACHMENT_DEFINITIONS,
  PODS,
  type Resource,
} from '../../../../src/api/resource.ts'
import { sameObjectKey } from '../../../../src/api/values/object-key.ts'
import { createKubeStore, type KubeStore } from '../../../../src/kube/client.ts'
import { deploymentSchema } from '../../../../src/processes/controller/agents/deployment.ts'
import { startAgentReconciler } from '../../../../src/processes/controller/agents/reconciler.ts'
import { createControllerInformers } from '../../../../src/processes/controller/informers.ts'
import { packageFile } from '../../../../src/runtime/package-root.ts'
import { systemRandom } from '../../../../src/runtime/random.ts'
import { systemClock } from '../../../../src/runtime/system-clock.ts'
import { untilControllersWork } from '../../../cluster/control-plane/controllers.ts'
import { type ControlPlane, sharedControlPlane } from '../../../cluster/control-plane/control-plane.ts'
import { poolObject } from '../../../support/objects.ts'
import { networkObject, SETTINGS } from './builders.ts'

/** What a real API server, which fills in defaults, and real controllers make of an agent's Deployment. */

const NAMESPACE = 'agents-test'
const KEY = { namespace: NAMESPACE, name: 'net-48' }
const NAME = 'agents-test-net-48-agent'
const log = pino({ level: 'silent' })
const parts = { clock: systemClock, random: systemRandom, log }
const run = promisify(execFile)
/** The garbage collector comes back to an API server that was away when its back-off ends. */
const COLLECTED_MS = 90_000

let controlPlane: ControlPlane
let store: KubeStore
const events: string[] = []
let told: AgentDeployment[] = []
let stop: () => Promise<void>
beforeAll(async () => {
  controlPlane = await sharedControlPlane()
  await untilControllersWork(controlPlane)
  store = createKubeStore({ kubeconfig: controlPlane.kubeconfig, log, clock: systemClock })
  const definitions = ['crds', 'third-party-crds'].map((folder) => packageFile('deploy', folder))
  await kubectl('apply', '-k', definitions[0] ?? '')
  await kubectl('apply', '-f', definitions[1] ?? '')
  await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s')
  await kubectl('create', 'namespace', NAMESPACE)
  const labels = {
    'network.harvesterhci.io/ippool-namespace': NAMESPACE,
    'network.harvesterhci.io/ippool-name': 'net-48',
  }
  const { metadata } = networkObject(labels)
  const network = { ...metadata, namespace: NAMESPACE }
  await create(NETWORK_ATTACHMENT_DEFINITIONS, { metadata: network, spec: { config: '{}' } })
  const spec = { ...poolObject().spec, networkName: `${NAMESPACE}/net-48` }
  await create(IP_POOLS, { metadata: KEY, spec })
  start()
})
afterAll(async () => {
  await stop?.()
  if (controlPlane !== undefined) await kubectl('delete', 'namespace', NAMESPACE, '--wait=false')
  store?.close()
})

test('what the API server fills in is no reason to write again, not even for a controller that has just started', async () => {
  await eventually(async () => expect((await agent()).metadata.generation).toBe(1))
  // Noted after the answer to the write, which others see before it.
  await eventually(() => expect(events.length).toBeGreaterThan(0))
  await stop()
  start()
  await eventually(() => expect(told.length).toBeGreaterThan(0))
  await quiet()

  expect((await agent()).metadata.generation).toBe(1)
  expect(events).toEqual([expect.stringMatching(/^AgentDeployed /)])
})

test('pods that are refused, and pods that find no node, are told', async () => {
  await eventually(() =>
    expect(told.at(-1)?.problem?.message).toMatch(/serviceaccount "managed-dhcp-agent" not found/),
  )
  expect(told.at(-1)?.problem?.reason).toBe('AgentPodRefused')

  await kubectl('create', 'serviceaccount', 'managed-dhcp-agent', '-n', NAMESPACE)
  // The next try of the Deployment's controller is minutes away: a new ReplicaSet tries at once.
  await kubectl('rollout', 'restart', `deployment/${NAME}`, '-n', NAMESPACE)

  await eventually(() => expect(told.at(-1)?.pods[0]?.problem).toMatch(/no nodes available|didn't match/))
  const [pod] = (await store.list(PODS, { namespace: NAMESPACE })).items
  expect(pod).toMatchObject({
    metadata: { annotations: { 'network.harvesterhci.io/ippool': `${NAMESPACE}/net-48` } },
    spec: { priorityClassName: 'system-cluster-critical', priority: 2_000_000_000 },
  })
})

test('a restart by kubectl is not undone; scaling down is', async () => {
  await quiet()
  const { template } = (await agent()).spec
  expect(template.metadata.annotations).toHaveProperty(['kubectl.kubernetes.io/restartedAt'])

  await kubectl('scale', `deployment/${NAME}`, '--replicas=0', '-n', NAMESPACE)

  await eventually(async () => expect((await agent()).spec.replicas).toBe(1))
  // Written after the answer to the write, which others see before it.
  await eventually(() => expect(events.at(-1)).toMatch(/^AgentUpdated .*somebody changed spec\.replicas$/))
})

test('another image is written once', async () => {
  await stop()
  const before = events.length
  start('managed-dhcp:0.2.0')
  await eventually(async () =>
    expect((await agent()).spec.template.spec.containers[0]?.image).toBe('managed-dhcp:0.2.0'),
  )
  await eventually(() => expect(events.length).toBeGreaterThan(before))
  await quiet()

  expect(events.slice(before)).toEqual([expect.stringMatching(/^AgentUpdated .*its template changed$/)])
})

test('the agent of a pool that is gone goes, and its pods with it', async () => {
  await store.delete(IP_POOLS, KEY)

  await eventually(async () =>
    expect((await store.list(DEPLOYMENTS, { namespace: NAMESPACE })).items).toEqual([]),
  )
  await eventually(
    async () => expect((await store.list(PODS, { namespace: NAMESPACE })).items).toEqual([]),
    COLLECTED_MS,
  )
}, 180_000)

function start(image = SETTINGS.image): void {
  told = []
  const informers = createControllerInformers({ ...parts, store })
  const reconciler = startAgentReconciler({
    ...parts,
    ...SETTINGS,
    namespace: NAMESPACE,
    image,
    store,
    recorder: {
      // Other tests of the run left pools of theirs.
      record(pool, { reason, message }) {
        if (pool.namespace === KEY.namespace && pool.name === KEY.name) events.push(`${reason} ${message}`)
      },
    },
    pools: informers.pools,
    networks: informers.networks,
    changed(pool) {
      const deployment = reconciler.deploymentOf(pool)
      if (deployment !== undefined && sameObjectKey(pool, KEY)) told.push(deployment)
    },
  })
  informers.pools.onChange((key) => reconciler.poolChanged(key))
  informers.networks.onChange((key) => reconciler.networkChanged(key))
  informers.pools.start()
  informers.networks.start()
  stop = async () => {
    informers.pools.stop()
    informers.networks.stop()
    await reconciler.stop()
  }
}

function create(resource: Resource, object: KubeObject): Promise<KubeObject> {
  return store.create(resource, { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object })
}

async function agent() {
  return deploymentSchema.parse(await store.get(DEPLOYMENTS, { namespace: NAMESPACE, name: NAME }))
}

/** Until nothing has been written for a while. */
async function quiet(): Promise<void> {
  let last = ''
  await vi.waitFor(
    async () => {
      const { resourceVersion = '' } = (await agent()).metadata
      const isSame = resourceVersion === last
      last = resourceVersion
      expect(isSame).toBe(true)
    },
    { timeout: 20_000, interval: 1_500 },
  )
}

async function kubectl(...args: string[]): Promise<string> {
  return (await run('kubectl', ['--kubeconfig', controlPlane.kubeconfig, ...args])).stdout
}

function eventually(look: () => unknown, timeout = 30_000): Promise<unknown> {
  return vi.waitFor(look, { timeout, interval: 100 })
}
