import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { eventually } from '../e2e/support/eventually.ts'
import { untilControllersWork } from './control-plane/controllers.ts'
import { type ControlPlane, sharedControlPlane } from './control-plane/control-plane.ts'

const run = promisify(execFile)

let controlPlane: ControlPlane

beforeAll(async () => {
  controlPlane = await sharedControlPlane()
})

async function kubectl(args: readonly string[], kubeconfig = controlPlane.kubeconfig): Promise<string> {
  const { stdout } = await run(join(controlPlane.assets, 'kubectl'), ['--kubeconfig', kubeconfig, ...args])
  return stdout
}

test('the kubectl that tests call is the one of the control plane', async () => {
  const { stdout } = await run('kubectl', ['--kubeconfig', controlPlane.kubeconfig, 'version'])
  const [client, server] = [/Client Version: (\S+)/, /Server Version: (\S+)/].map(
    (line) => line.exec(stdout)?.[1],
  )
  expect(client).toMatch(/^v1\.\d+\.\d+$/)
  expect(client).toBe(server)
})

test('what a user may do is what roles give him', async () => {
  const kubeconfig = await controlPlane.kubeconfigFor({ user: 'jane', groups: ['readers'] })
  await expect(kubectl(['get', 'nodes'], kubeconfig)).rejects.toThrow(
    /nodes is forbidden: User "jane" cannot list/,
  )
  await kubectl(['create', 'clusterrolebinding', 'readers', '--clusterrole=view', '--group=readers'])
  await eventually('jane may list ConfigMaps', () =>
    kubectl(['get', 'configmaps'], kubeconfig).then(() => true),
  )
})

test('the controllers work: a Deployment gets its pod, a namespace its service account', async () => {
  await untilControllersWork(controlPlane)
  await kubectl(['create', 'namespace', 'controllers'])
  await kubectl(['-n', 'controllers', 'create', 'deployment', 'web', '--image=example.com/web'])
  await eventually('a pod that waits for a node', async () => {
    const pods = await kubectl(['-n', 'controllers', 'get', 'pods', '-o', 'wide', '--no-headers'])
    return /^web-\S+ +0\/1 +Pending/.test(pods) ? true : undefined
  })
  expect(await kubectl(['-n', 'controllers', 'create', 'token', 'default'])).toMatch(/^eyJ/)
  await kubectl(['delete', 'namespace', 'controllers', '--timeout=60s'])
})

test('the tests have a network of their own, and can make others in it', async () => {
  expect((await run('ip', ['route', 'show', 'default'])).stdout).toBe('')
  await run('ip', ['netns', 'add', 'control-plane-test'])
  const { stdout } = await run('ip', ['netns', 'exec', 'control-plane-test', 'ls', '/sys/class/net'])
  expect(stdout.trim()).toBe('lo')
  await run('ip', ['netns', 'delete', 'control-plane-test'])
})

test('each part can be killed and started again', async () => {
  const { etcd, apiServer, controllerManager, scheduler } = controlPlane
  for (const part of [etcd, apiServer, controllerManager, scheduler]) {
    await part.kill('SIGKILL')
    expect(part.isRunning()).toBe(false)
    part.start()
    await part.whenReady()
  }
  expect(await kubectl(['get', 'crd'])).toContain('ippools.network.harvesterhci.io')
  await untilControllersWork(controlPlane)
}, 240_000)
