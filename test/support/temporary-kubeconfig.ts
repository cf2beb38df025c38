import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A directory that goes when the test does. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'managed-dhcp-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export interface KubeconfigParts {
  cluster?: Record<string, unknown>
  user?: Record<string, unknown>
}

/** The path of a kubeconfig for `server`, which goes when the test does. */
export async function temporaryKubeconfig(server: string, parts?: KubeconfigParts): Promise<string> {
  return writeKubeconfig(await temporaryDirectory(), server, parts)
}

export async function writeKubeconfig(
  directory: string,
  server: string,
  { cluster = {}, user = {} }: KubeconfigParts = {},
): Promise<string> {
  const path = join(directory, 'kubeconfig')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'harvester-system' } }],
    clusters: [{ name: 'test', cluster: { server, ...cluster } }],
    users: [{ name: 'test', user }],
  }
  await writeFile(path, JSON.stringify(config))
  return path
}
