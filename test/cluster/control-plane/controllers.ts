import { join } from 'node:path'
import { runCommand } from '../../../src/network/command.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import type { ControlPlane } from './control-plane.ts'

/** The controllers of Kubernetes come back to an API server that was away when their back-off ends, a minute later say. */
const COME_BACK = { seconds: 120 }

/** After a restart of the control plane: until a new namespace has its service account, and a Deployment its pod. */
export async function untilControllersWork({ assets, kubeconfig }: ControlPlane): Promise<void> {
  const environment = { ...process.env, KUBECONFIG: kubeconfig }
  const kubectl = async (...args: string[]) =>
    (await runCommand(join(assets, 'kubectl'), args, { environment })).stdout
  const namespace = `controllers-${systemRandom.uuid()}`
  await kubectl('create', 'namespace', namespace)
  try {
    await kubectl('-n', namespace, 'create', 'deployment', 'web', '--image=example.com/web')
    for (const what of ['serviceaccount/default', 'pods'])
      await eventually(
        `${what} of a new namespace`,
        async () => ((await kubectl('-n', namespace, 'get', what, '-o', 'name')) === '' ? undefined : true),
        COME_BACK,
      )
  } finally {
    await kubectl('delete', 'namespace', namespace, '--wait=false')
  }
}
