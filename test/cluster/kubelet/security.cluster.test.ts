import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../e2e/support/eventually.ts'
import { showLogsOnFailure } from './report-on-failure.ts'
import { shellPod, startTestCluster, type TestCluster } from './support/cluster.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startTestCluster('security')
  await cluster.kubelets.startNode({ name: 'node-1' })
})
afterAll(() => cluster?.close())
showLogsOnFailure(() => cluster?.kubelets)

const STATUS = 'grep -E "^(Uid|Gid|Groups|CapPrm|CapEff|CapBnd|NoNewPrivs)" /proc/self/status'
/** What containerd gives: see capabilities(7) for the numbers. */
const CONTAINERD_DEFAULT = '00000000a80425fb'
const NET_RAW_AND_BIND = '0000000000002400'
const NONE = '0000000000000000'

test('without a word about it a container is root with the default capabilities', async () => {
  await cluster.apply(shellPod('default'))
  await cluster.readyPod('default')
  const status = await cluster.run('default', STATUS)
  expect(status).toMatch(/^Uid:\t0\t0/)
  for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(status).toContain(`${set}:\t${CONTAINERD_DEFAULT}`)
  expect(status).toContain('NoNewPrivs:\t0')
})

test("an agent's privileges: root with two capabilities, no new ones, and a root that cannot be written", async () => {
  const securityContext = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'], add: ['NET_RAW', 'NET_BIND_SERVICE'] },
  }
  const volumeMounts = [{ name: 'state', mountPath: '/var/lib/managed-dhcp' }]
  await cluster.apply(
    shellPod('agent', { securityContext, volumeMounts }, { volumes: [{ name: 'state', emptyDir: {} }] }),
  )
  await cluster.readyPod('agent')
  const status = await cluster.run('agent', STATUS)
  for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(status).toContain(`${set}:\t${NET_RAW_AND_BIND}`)
  expect(status).toContain('NoNewPrivs:\t1')
  expect(await cluster.run('agent', 'touch /tmp/x /etc/x')).toMatch(
    /\/tmp\/x.*Read-only[\s\S]*\/etc\/x.*Read-only/,
  )
  expect(await cluster.run('agent', 'touch /var/lib/managed-dhcp/x && echo written')).toBe('written\n')
})

test('a user other than root has no capability, even one that was added, and reaches volumes by fsGroup', async () => {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'key' },
    stringData: { 'tls.key': 'k' },
  })
  const securityContext = { runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true, fsGroup: 2000 }
  const volumes = [
    { name: 'state', emptyDir: {} },
    { name: 'key', secret: { secretName: 'key', defaultMode: 0o400 } },
  ]
  const volumeMounts = [
    { name: 'state', mountPath: '/state' },
    { name: 'key', mountPath: '/key' },
  ]
  const main = { securityContext: { capabilities: { drop: ['ALL'], add: ['NET_RAW'] } }, volumeMounts }
  await cluster.apply(shellPod('user', main, { securityContext, volumes }))
  await cluster.readyPod('user')
  const status = await cluster.run('user', STATUS)
  expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t2000/m)
  expect(status).toContain(`CapPrm:\t${NONE}`)
  expect(status).toContain(`CapEff:\t${NONE}`)
  expect(await cluster.run('user', 'cat /key/tls.key; touch /state/x && stat -c %g /state/x')).toBe('k2000\n')
  expect(await cluster.run('user', 'touch /x')).toContain('Permission denied')
})

test('a container that must not be root, but would be, does not start and says why', async () => {
  await cluster.apply(shellPod('root', { securityContext: { runAsNonRoot: true } }))
  const state = await eventually('a refusal', async () => {
    const text = JSON.stringify((await cluster.pod('root'))?.status.containerStatuses[0]?.state ?? {})
    return text.includes('CreateContainerConfigError') ? text : undefined
  })
  expect(state).toContain('container has runAsNonRoot and image will run as root')
})

test("this project's program runs as an ordinary user without any privilege, on a root that cannot be written", async () => {
  const securityContext = {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  }
  const main = { image: 'managed-dhcp:0.1.0', args: ['--version'], securityContext }
  await cluster.apply(shellPod('program', main, { restartPolicy: 'Never' }))
  await eventually(
    'its end',
    async () => ((await cluster.pod('program'))?.status.phase === 'Succeeded' ? true : undefined),
    { seconds: 60 },
  )
  expect(cluster.logs('program')).toMatch(/^\d+\.\d+\.\d+/)
})

test('the message broker takes a configuration from a ConfigMap, and changes of it show in its volume', async () => {
  const configuration = (text: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'nats' },
    data: { 'nats.conf': text },
  })
  const main = {
    image: 'nats:2.10-alpine',
    args: ['-c', '/etc/nats/nats.conf'],
    volumeMounts: [{ name: 'configuration', mountPath: '/etc/nats' }],
    readinessProbe: { tcpSocket: { port: 4222 }, periodSeconds: 1 },
    securityContext: { runAsUser: 1000, runAsNonRoot: true, readOnlyRootFilesystem: true },
  }
  const volumes = [{ name: 'configuration', configMap: { name: 'nats' } }]
  await cluster.apply(configuration('listen: "0.0.0.0:4222"\n'), shellPod('nats', main, { volumes }))
  await cluster.readyPod('nats')
  // It listens before it says so.
  await eventually('its word', () => cluster.logs('nats').includes('Server is ready') || undefined)
  await cluster.apply(configuration('listen: "0.0.0.0:4222"\nmax_payload: 4096\n'))
  await eventually('the change', async () =>
    (await cluster.run('nats', 'cat /etc/nats/nats.conf')).includes('max_payload') ? true : undefined,
  )
})
