import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../e2e/support/eventually.ts'
import { showLogsOnFailure } from './report-on-failure.ts'
import { shellPod, startTestCluster, type TestCluster } from './support/cluster.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startTestCluster('pods')
  await cluster.kubelets.startNode({ name: 'node-1' })
})
afterAll(() => cluster?.close())
showLogsOnFailure(() => cluster?.kubelets)

/** One answer that says no is enough; on a busy machine one that is late is none. */
const AT_ONCE = { periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 10 }

/** A container has started before its program says or hears anything. */
const untilSaid = (pod: string, line: string) =>
  eventually(`"${line}" of ${pod}`, () => cluster.logs(pod).split('\n').includes(line) || undefined)

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 2,
        volumes: [{ name: 'state', emptyDir: {} }],
        containers: [
          {
            name: 'main',
            image: 'probe',
            args: ['--greeting', '$(GREETING)', '$$(GREETING)'],
            env: [
              { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'web', key: 'password' } } },
              { name: 'GREETING', value: 'hello-$(PASSWORD)' },
            ],
            ports: [{ name: 'http', containerPort: 8080 }],
            volumeMounts: [{ name: 'state', mountPath: '/state' }],
            readinessProbe: { httpGet: { path: '/ready', port: 'http' }, ...AT_ONCE },
            startupProbe: { tcpSocket: { port: 'http' }, periodSeconds: 1, failureThreshold: 30 },
            livenessProbe: { httpGet: { path: '/live', port: 8080 }, ...AT_ONCE },
          },
        ],
      },
    },
  },
}
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 8080 }] },
}

test('a Deployment runs: scheduled, with its Secret, ready, and reached by the name of its Service', async () => {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'web' },
    stringData: { password: 'tin' },
  })
  await cluster.apply(deployment, service, shellPod('client'))
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s'])
  await cluster.readyPod('client')
  const [web] = await cluster.pods('app=web')
  await untilSaid(web?.metadata.name ?? '', 'arguments: --greeting hello-tin $(GREETING)')
  expect(cluster.logs(web?.metadata.name ?? '')).toBe('arguments: --greeting hello-tin $(GREETING)\n')
  for (const host of ['web', 'web.pods', 'web.pods.svc', 'web.pods.svc.cluster.local']) {
    const answer = await eventually(`an answer from ${host}`, async () => {
      const text = await cluster.run(
        'client',
        `node -e 'fetch("http://${host}:8080").then(async (r) => console.log(await r.text()))'`,
      )
      return /hello-tin/.test(text) ? text : undefined
    })
    expect(answer).toContain(`${web?.metadata.name} hello-tin`)
  }
})

test('a pod that is not ready loses its name until it is ready again', async () => {
  const name = (await cluster.pods('app=web'))[0]?.metadata.name ?? ''
  const resolve = () => cluster.run('client', 'getent hosts web || echo unknown')
  await cluster.run(name, 'touch /state/ready')
  await eventually('no such name', async () => ((await resolve()) === 'unknown\n' ? true : undefined))
  await cluster.run(name, 'rm /state/ready')
  await eventually('the name again', async () => (/^10\.244\./.test(await resolve()) ? true : undefined))
})

test('a container that fails its liveness probe is restarted, and the pod is told of it', async () => {
  const name = (await cluster.pods('app=web'))[0]?.metadata.name ?? ''
  await cluster.run(name, 'touch /state/live')
  const restarted = await eventually('a restart', async () => {
    const status = (await cluster.pod(name))?.status.containerStatuses[0]
    return status !== undefined && status.restartCount > 0 ? status : undefined
  })
  expect(restarted.lastState).toMatchObject({ terminated: { exitCode: 0, reason: 'Completed' } })
  expect(cluster.logs(name)).toContain('SIGTERM')
  // It is restarted again and again until then, perhaps in the middle of the command.
  await eventually('the container', async () =>
    (await cluster.run(name, 'rm -f /state/live && echo removed')) === 'removed\n' ? true : undefined,
  )
  await cluster.readyPod(name)
})

test('a pod talks to the API server as its service account', async () => {
  await cluster.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } },
    shellPod('token', {}, { serviceAccountName: 'robot' }),
  )
  await cluster.readyPod('token')
  const program = `
    import { readFileSync } from "node:fs"; import { request } from "node:https"
    const folder = "/var/run/secrets/kubernetes.io/serviceaccount/"
    const read = (name) => readFileSync(folder + name, "utf8")
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env
    const headers = { authorization: "Bearer " + read("token"), "content-type": "application/json" }
    const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" }
    request({ host, port, path, method: "POST", headers, ca: read("ca.crt") }, (answer) => answer.pipe(process.stdout))
      .end(JSON.stringify(review)); console.log(read("namespace"))`
  const answer = await cluster.run('token', `node --input-type=module -e '${program}'`)
  expect(answer).toMatch(/^pods\n/)
  expect(answer).toContain('"username":"system:serviceaccount:pods:robot"')
  expect(answer).toContain('"authentication.kubernetes.io/pod-name":["token"]')
  expect(await cluster.run('token', 'getent hosts kubernetes.default.svc')).toMatch(/^10\.244\.0\.1 /)
})

test('init containers run in order and to their end before the others; a sidecar runs beside them', async () => {
  const script = (text: string) => ({
    image: 'shell',
    args: ['-c', text],
    volumeMounts: [{ name: 'log', mountPath: '/log' }],
  })
  await cluster.apply(
    shellPod('init', script('echo main >> /log/all; cat /log/all; sleep 600'), {
      volumes: [{ name: 'log', emptyDir: { medium: 'Memory' } }],
      initContainers: [
        { name: 'first', ...script('sleep 0.3; echo first >> /log/all') },
        {
          name: 'side',
          restartPolicy: 'Always',
          ...script('echo side >> /log/all; sleep 600'),
          // Without one it has started when its process has, and the next container may be faster.
          startupProbe: {
            exec: { command: ['grep', '-q', 'side', '/log/all'] },
            periodSeconds: 1,
            failureThreshold: 30,
          },
        },
        { name: 'second', ...script('sleep 0.3; echo second >> /log/all') },
      ],
    }),
  )
  await cluster.readyPod('init')
  await untilSaid('init', 'main')
  expect(cluster.logs('init')).toBe('first\nside\nsecond\nmain\n')
})

test('a pod that ends by itself succeeds or fails, with its exit codes', async () => {
  await cluster.apply(
    shellPod('succeeds', { args: ['-c', 'true'] }, { restartPolicy: 'Never' }),
    shellPod('fails', { args: ['-c', 'exit 7'] }, { restartPolicy: 'Never' }),
  )
  await eventually('success', async () =>
    (await cluster.pod('succeeds'))?.status.phase === 'Succeeded' ? true : undefined,
  )
  await eventually('failure', async () =>
    (await cluster.pod('fails'))?.status.phase === 'Failed' ? true : undefined,
  )
  expect((await cluster.pod('fails'))?.status.containerStatuses[0]?.state).toMatchObject({
    terminated: { exitCode: 7, reason: 'Error' },
  })
})

test('a container that keeps crashing is held back', async () => {
  await cluster.apply(shellPod('crashes', { args: ['-c', 'exit 3'] }))
  await eventually('a back-off', async () => {
    const status = (await cluster.pod('crashes'))?.status.containerStatuses[0]
    const text = JSON.stringify(status?.state ?? {})
    return text.includes('CrashLoopBackOff') && (status?.restartCount ?? 0) > 2 ? true : undefined
  })
  expect((await cluster.pod('crashes'))?.status.containerStatuses[0]?.lastState).toMatchObject({
    terminated: { exitCode: 3 },
  })
})

test('a deleted pod is asked to end, and is gone when it has; one that does not listen is killed', async () => {
  await cluster.apply(
    shellPod(
      'listens',
      { args: ['-c', 'trap "echo ending; exit 0" TERM; echo up; while :; do sleep 0.1; done'] },
      { terminationGracePeriodSeconds: 60 },
    ),
    shellPod(
      'deaf',
      { args: ['-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done'] },
      { terminationGracePeriodSeconds: 1 },
    ),
  )
  await Promise.all([cluster.readyPod('listens'), cluster.readyPod('deaf')])
  await Promise.all([untilSaid('listens', 'up'), untilSaid('deaf', 'up')])
  await cluster.kubectl(['delete', 'pod', 'listens', 'deaf', '--timeout=40s'])
  expect(cluster.logs('listens')).toContain('ending')
  expect(await cluster.pod('deaf')).toBeUndefined()
})

test('a pod that is deleted by force while it takes its time is killed at once', async () => {
  const deaf = { args: ['-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done'] }
  await cluster.apply(shellPod('slow', deaf, { terminationGracePeriodSeconds: 600 }))
  await cluster.readyPod('slow')
  await untilSaid('slow', 'up')
  await cluster.kubectl(['delete', 'pod', 'slow', '--wait=false'])
  await cluster.kubectl(['delete', 'pod', 'slow', '--force', '--grace-period=0'])
  const runs = () => cluster.kubelets.nodes.some((node) => node.pods.includes('pods/slow'))
  await eventually('its end', () => (runs() ? undefined : true))
})

test('before a container is asked to end, its preStop command runs', async () => {
  const preStop = { exec: { command: ['sh', '-c', 'echo preStop > /proc/1/fd/1'] } }
  const args = ['-c', 'trap "echo ending; exit 0" TERM; echo up; while :; do sleep 0.1; done']
  await cluster.apply(
    shellPod('hooked', { args, lifecycle: { preStop } }, { terminationGracePeriodSeconds: 60 }),
  )
  await cluster.readyPod('hooked')
  await untilSaid('hooked', 'up')
  await cluster.kubectl(['delete', 'pod', 'hooked', '--timeout=40s'])
  expect(cluster.logs('hooked')).toBe('up\npreStop\nending\n')
})

test('what is not emulated is refused by name, not passed over', async () => {
  await cluster.apply(shellPod('refused', {}, { hostNetwork: true }))
  const message = await eventually('a refusal', async () => {
    const status = (await cluster.pod('refused'))?.status
    return status?.reason === 'UnsupportedByEmulatedKubelet' ? status.message : undefined
  })
  expect(message).toMatch(/spec\.hostNetwork/)
})
