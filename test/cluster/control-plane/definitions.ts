import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { defaultCrdDirectories, readCrdFiles } from '../../../src/embedded/crd-files.ts'
import type { ControlPlane } from './control-plane.ts'

export class DefinitionsError extends Error {
  override readonly name = 'DefinitionsError'
}

/** The CustomResourceDefinitions of this project and of what it works with, established. @throws DefinitionsError */
export function installDefinitions(controlPlane: ControlPlane): void {
  const definitions = { apiVersion: 'v1', kind: 'List', items: readCrdFiles(defaultCrdDirectories()) }
  kubectl(controlPlane, ['apply', '-f', '-'], JSON.stringify(definitions))
  kubectl(controlPlane, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
}

function kubectl({ assets, kubeconfig }: ControlPlane, args: readonly string[], input = ''): void {
  const command = ['--kubeconfig', kubeconfig, ...args]
  const { status, stderr } = spawnSync(join(assets, 'kubectl'), command, { input, encoding: 'utf8' })
  if (status !== 0) throw new DefinitionsError(`kubectl ${args.join(' ')}: ${stderr}`)
}
