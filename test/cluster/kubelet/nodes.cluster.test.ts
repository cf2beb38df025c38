import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { showLogsOnFailure } from './report-on-failure.ts'
import { isReady, shellPod, startTestCluster, type TestCluster } from './support/cluster.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startTestCluster('nodes')
  await cluster.kubelets.startNode({ name: 'node-1', labels: { rack: 'a' } })
})
afterAll(() => cluster?.close())
showLogsOnFailure(() => cluster?.kubelets)

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'

test('a pod waits for its NetworkAttachmentDefinition, and says so; then it is on that network', async () => {
  const pod = shellPod('attached')
  const annotations = {
    [NETWORKS]: JSON.stringify([{ namespace: 'nodes', name: 'net-48', interface: 'eth1' }]),
  }
  await cluster.apply({ ...pod, metadata: { ...pod.metadata, annotations } })
  await eventually('an event', async () => {
    const events = await cluster.kubectl([
      'get',
      'events',
      '--field-selector',
      'involvedObject.name=attached',
    ])
    return /FailedCreatePodSandBox .*"net-48" not found/.test(events) ? true : undefined
  })
  expect((await cluster.pod('attached'))?.status.phase).toBe('Pending')

  await cluster.apply({
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'net-48' },
    spec: { config: '{"cniVersion":"0.3.1","type":"bridge","bridge":"mgmt-br","vlan":48,"ipam":{}}' },
  })
  await cluster.readyPod('attached')
  expect(await cluster.run('attached', 'ls /sys/class/net')).toBe('eth0\neth1\nlo\n')
  expect(await cluster.run('attached', 'ip -4 -brief address show eth1')).not.toContain('192.168')

  const mac = parseMacAddress('ca:70:82:e6:84:6e')
  const client = await cluster.kubelets.network('nodes/net-48').attachClient('vm', mac)
  await client.namespace.exec('ip', ['address', 'add', '192.168.48.2/24', 'dev', 'eth0'])
  const server = (await cluster.run('attached', 'cat /sys/class/net/eth1/address')).trim()
  await client.namespace.exec('ip', ['neigh', 'add', '192.168.48.1', 'lladdr', server, 'dev', 'eth0'])
  const received = async () =>
    Number(await cluster.run('attached', 'cat /sys/class/net/eth1/statistics/rx_packets'))
  const before = await received()
  await client.namespace.exec('bash', ['-c', 'echo hello > /dev/udp/192.168.48.1/9'])
  await eventually('its packet', async () => ((await received()) > before ? true : undefined))
})

test('when a node dies its pod hangs in Terminating, and another node takes over; when it boots the pod goes', async () => {
  await cluster.kubelets.startNode({ name: 'node-2', labels: { rack: 'b' } })
  const soon = (key: string) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 })
  await cluster.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'server' },
    spec: {
      selector: { matchLabels: { app: 'server' } },
      template: {
        metadata: { labels: { app: 'server' } },
        spec: {
          containers: [{ name: 'main', image: 'probe' }],
          terminationGracePeriodSeconds: 1,
          tolerations: [soon('node.kubernetes.io/unreachable'), soon('node.kubernetes.io/not-ready')],
        },
      },
    },
  })
  const first = await eventually('the pod', async () => (await cluster.pods('app=server')).find(isReady))
  const victim = cluster.kubelets.nodes.find((node) => node.name === first.spec.nodeName)
  await victim?.crash()
  expect(victim?.pods).toEqual([])

  const replacement = await eventually(
    'a pod on the other node',
    async () =>
      (await cluster.pods('app=server')).find(
        (pod) =>
          isReady(pod) &&
          pod.metadata.deletionTimestamp === undefined &&
          pod.spec.nodeName !== first.spec.nodeName,
      ),
    { seconds: 90 },
  )
  expect(replacement.metadata.uid).not.toBe(first.metadata.uid)
  const old = await cluster.pod(first.metadata.name)
  expect(old?.metadata.deletionTimestamp).toBeDefined()

  await cluster.kubelets.startNode({ name: victim?.name ?? '' })
  await eventually(
    'the old pod to be gone',
    async () => ((await cluster.pod(first.metadata.name)) === undefined ? true : undefined),
    { seconds: 40 },
  )
})

test('on a node that is cut off containers run on, until it is back and hears what became of them', async () => {
  await cluster.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=60s'])
  await cluster.apply(
    shellPod(
      'isolated',
      { args: ['-c', 'while :; do date; sleep 0.2; done'] },
      { nodeSelector: { rack: 'b' } },
    ),
  )
  await cluster.readyPod('isolated')
  const node = cluster.kubelets.nodes.findLast((one) => one.name === 'node-2')
  const reach = (seconds: number) =>
    `timeout ${seconds} bash -c 'exec 3<>/dev/tcp/10.244.0.1/${cluster.controlPlane.port}'; echo $?`
  expect(await cluster.run('isolated', reach(5))).toBe('0\n')
  await node?.partition({ podNetwork: 'down' })
  // Three seconds later the kernel itself gives up: nobody answers for that address.
  expect(await cluster.run('isolated', reach(1))).toBe('124\n')
  await eventually(
    'the node to be lost',
    async () => (/node-2 +NotReady/.test(await cluster.kubectl(['get', 'nodes'])) ? true : undefined),
    { seconds: 60 },
  )
  await cluster.kubectl(['delete', 'pod', 'isolated', '--wait=false'])
  const before = cluster.logs('isolated').length
  await eventually('more of its log', () => (cluster.logs('isolated').length > before ? true : undefined))
  expect(await cluster.pod('isolated')).toBeDefined()

  await node?.heal()
  await eventually('its end', async () => ((await cluster.pod('isolated')) === undefined ? true : undefined))
  await eventually('a node that is well', async () =>
    /node-2 +Ready/.test(await cluster.kubectl(['get', 'nodes'])) ? true : undefined,
  )
})
