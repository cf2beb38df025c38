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

/** The path of a kubeconfig for `server`, which goes when the test does. */
export async function temporaryKubeconfig(
  server: string,
  { cluster = {}, user = {} }: { cluster?: Record<string, unknown>; user?: Record<string, unknown> } = {},
): Promise<string> {
  const path = join(await temporaryDirectory(), 'kubeconfig')
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
