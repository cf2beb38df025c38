import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../src/network/command.ts'
import { packageFile } from '../../src/runtime/package-root.ts'
import { type Deployment, deploy, leave, uninstall, untilRolledOut } from '../cluster/deployed/deployment.ts'
import { emptyCluster } from '../cluster/deployed/empty-cluster.ts'
import { SYSTEM_NAMESPACE } from '../cluster/deployed/names.ts'

let system: Deployment
beforeAll(async () => {
  await emptyCluster()
  system = await deploy()
})
afterAll(async () => {
  await uninstall(system)
  await leave(system)
})

test('the README’s commands give the broker new passwords, and everybody gets in with them', async () => {
  const password = () =>
    system.kubectl([
      ...['-n', SYSTEM_NAMESPACE, 'get', 'secret', 'managed-dhcp-nats-credentials'],
      ...['-o', 'jsonpath={.data.controller-password}'],
    ])
  const before = await password()
  const readme = readFileSync(packageFile('deploy', 'README.md'), 'utf8')
  const commands = /To change them[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''

  const environment = { ...process.env, KUBECONFIG: system.controlPlane.kubeconfig }
  await runCommand('timeout', ['180', 'bash', '-euo', 'pipefail', '-c', commands], { environment })

  // Controllers are ready only while they are connected.
  await untilRolledOut(system)
  expect(await password()).not.toBe(before)
}, 300_000)
