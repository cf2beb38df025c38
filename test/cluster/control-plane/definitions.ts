import { join } from 'node:path'
import { kubeObjectSchema } from '../../../src/api/object.ts'
import { defaultCrdDirectories, readCrdFiles } from '../../../src/embedded/crd-files.ts'
import { runCommand } from '../../../src/network/command.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import type { ControlPlane } from './control-plane.ts'

/**
 * The CustomResourceDefinitions of this project and of what it works with, as kubectl finds them: what is established is
 * in the API server's list of kinds a moment later.
 * @throws CommandFailedError
 */
export async function installDefinitions({ assets, kubeconfig }: ControlPlane): Promise<void> {
  const kubectl = (args: readonly string[], input = '') =>
    runCommand(join(assets, 'kubectl'), ['--kubeconfig', kubeconfig, ...args], { input })
  const items = readCrdFiles(defaultCrdDirectories()).map((item) => kubeObjectSchema.parse(item))
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
  const kinds = items.map(({ metadata }) => metadata.name).join(',')
  await eventually(
    'the kinds to be served',
    () => kubectl(['get', kinds, '--all-namespaces', '-o', 'name']),
    {
      seconds: 60,
    },
  )
}
