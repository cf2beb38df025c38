import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../e2e/support/eventually.ts'
import { showLogsOnFailure } from './report-on-failure.ts'
import { isReady, shellPod, startTestCluster, type TestCluster } from './support/cluster.ts'

/** Controllers and the scheduler look for an API server that was away after a minute at the latest (client-go's back-off). */
const COME_BACK_SECONDS = 120

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startTestCluster('reconcile')
  await cluster.kubelets.startNode({ name: 'node-1' })
  const readinessProbe = { exec: { command: ['test', '!', '-e', '/state/unready'] }, periodSeconds: 1 }
  const volumes = [{ name: 'state', emptyDir: {} }]
  await cluster.apply(
    shellPod('quiet'),
    shellPod(
      'probed',
      { readinessProbe, volumeMounts: [{ name: 'state', mountPath: '/state' }] },
      { volumes },
    ),
  )
  await cluster.readyPod('quiet')
  await cluster.readyPod('probed')
})
afterAll(() => cluster?.close())
showLogsOnFailure(() => cluster?.kubelets)

const node = () => cluster.kubelets.nodes.find(({ name }) => name === 'node-1')

/** As the node lifecycle controller does, when it has not heard of the node. @returns the condition as it is then */
async function setNotReady(pod: string): Promise<string> {
  const status = { conditions: [{ type: 'Ready', status: 'False' }] }
  return cluster.kubectl([
    ...['patch', 'pod', pod, '--subresource=status', '-p', JSON.stringify({ status })],
    ...['-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'],
  ])
}

/** In seconds: nothing on the node changes, so that nothing but this makes the kubelet write. */
async function untilReady(pod: string, seconds = 10): Promise<void> {
  await eventually(
    `${pod} to be ready again`,
    async () => {
      const seen = await cluster.pod(pod)
      return seen !== undefined && isReady(seen) ? seen : undefined
    },
    { seconds },
  )
}

test('a pod that somebody else calls not ready is ready again in seconds, each time', async () => {
  for (let round = 0; round < 5; round++) {
    expect(await setNotReady('quiet')).toBe('False')
    await untilReady('quiet')
  }
})

test('conditions of others stay when its own are put right', async () => {
  const status = {
    conditions: [
      { type: 'example.com/gate', status: 'True' },
      { type: 'Ready', status: 'False' },
    ],
  }
  await cluster.kubectl(['patch', 'pod', 'quiet', '--subresource=status', '-p', JSON.stringify({ status })])
  await untilReady('quiet')
  expect((await cluster.pod('quiet'))?.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'example.com/gate', status: 'True' }),
  )
})

test('a node that was lost, and is back, is ready without taints, and so are its pods', async () => {
  await node()?.partition()
  await eventually(
    'the pod to count as not ready',
    async () => {
      const seen = await cluster.pod('quiet')
      return seen !== undefined && !isReady(seen) ? seen : undefined
    },
    // The grace period of nodes is a quarter of a minute.
    { seconds: 60 },
  )
  await node()?.heal()
  await untilReady('quiet')
  await untilNodeIsWell()
}, 300_000)

test('what changed while the API server was away is written when it is back', async () => {
  const { apiServer } = cluster.controlPlane
  await apiServer.kill('SIGKILL')
  await cluster.run('probed', 'touch /state/unready')
  // Its probe sees it while nobody can be told.
  await wait(3000)
  apiServer.start()
  await apiServer.whenReady()
  await eventually('what the probe says', async () => {
    const seen = await cluster.pod('probed')
    return seen !== undefined && !isReady(seen) ? seen : undefined
  })
  await cluster.run('probed', 'rm /state/unready')
  await untilReady('probed', 30)
})

test('what others wrote while it could not hear of it is put right, and the control plane’s absence leaves no trace', async () => {
  const { apiServer, etcd } = cluster.controlPlane
  await apiServer.kill('SIGKILL')
  await etcd.kill('SIGKILL')
  // Longer than the grace period of nodes: whoever comes back first may take them for lost.
  await wait(17_000)
  etcd.start()
  await etcd.whenReady()
  apiServer.start()
  await apiServer.whenReady()
  expect(await setNotReady('quiet')).toBe('False')
  await untilReady('quiet', 30)
  await cluster.kubectl(['create', 'deployment', 'later', '--image=shell'])
  await cluster.kubectl(['rollout', 'status', 'deployment/later', `--timeout=${COME_BACK_SECONDS}s`])
  await untilNodeIsWell()
  await untilReady('quiet')
  await untilReady('probed')
}, 300_000)

test('a pod whose end somebody else declared ends, and stays as it was declared', async () => {
  await cluster.apply(shellPod('declared'))
  await cluster.readyPod('declared')
  const patch = JSON.stringify({ status: { phase: 'Failed', reason: 'Declared' } })
  await cluster.kubectl(['patch', 'pod', 'declared', '--subresource=status', '-p', patch])
  await eventually('the end of its container', async () => {
    const [main] = (await cluster.pod('declared'))?.status.containerStatuses ?? []
    return JSON.stringify(main?.state).includes('terminated') ? true : undefined
  })
  expect((await cluster.pod('declared'))?.status).toMatchObject({ phase: 'Failed', reason: 'Declared' })
  await cluster.kubectl(['delete', 'pod', 'declared', '--timeout=40s'])
})

test('a pod that was replaced by one of its name while the node was cut off makes room for it', async () => {
  const pinned = shellPod('replaced', {}, { nodeName: 'node-1' })
  await cluster.apply(pinned)
  await cluster.readyPod('replaced')
  await node()?.partition()
  await cluster.kubectl(['delete', 'pod', 'replaced', '--force', '--grace-period=0'])
  await cluster.apply(pinned)
  await node()?.heal()
  await cluster.readyPod('replaced')
  const isAlone = () => node()?.pods.filter((pod) => pod === 'reconcile/replaced').length === 1
  await eventually('the old one to be gone', () => (isAlone() ? true : undefined))
})

async function untilNodeIsWell(): Promise<void> {
  await eventually(
    'a node that is ready and without taints',
    async () => {
      const path =
        'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}/{.items[*].spec.taints[*].key}'
      return (await cluster.kubectl(['get', 'nodes', '-o', path])) === 'True/' ? true : undefined
    },
    { seconds: COME_BACK_SECONDS },
  )
}
