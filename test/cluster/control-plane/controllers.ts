import { join } from 'node:path'
import { runCommand } from '../../../src/network/command.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import type { ControlPlane } from './control-plane.ts'

/** The controllers of Kubernetes come back to an API server that was away when their back-off ends, a minute later say. */
const COME_BACK = { seconds: 120 }

export class ControllersMissingError extends Error {
  override readonly name = 'ControllersMissingError'
  constructor() {
    super(
      'this test needs kube-controller-manager and kube-scheduler, which envtest does not bring: install Go, and ' +
        '"npm run test:cluster" builds them',
    )
  }
}

/** @throws ControllersMissingError */
export function needControllers({ hasControllers }: ControlPlane): void {
  if (!hasControllers) throw new ControllersMissingError()
}

/** After a restart of the control plane: until a new namespace has its service account, and a Deployment its pod. */
export async function untilControllersWork(controlPlane: ControlPlane): Promise<void> {
  needControllers(controlPlane)
  const { assets, kubeconfig } = controlPlane
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
