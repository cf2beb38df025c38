import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KubeconfigError, loadApiServer } from '../../src/kube/kubeconfig.ts'
import { temporaryDirectory, temporaryKubeconfig } from '../support/temporary-kubeconfig.ts'

const SERVER = 'https://127.0.0.1:6443'

async function file(content: string): Promise<string> {
  const path = join(await temporaryDirectory(), 'kubeconfig')
  await writeFile(path, content)
  return path
}

test('a kubeconfig says where the server is and which namespace is the current one', async () => {
  const server = loadApiServer(await temporaryKubeconfig(SERVER))
  expect([server.url.href, server.namespace]).toEqual([`${SERVER}/`, 'harvester-system'])
})

test('$KUBECONFIG may list several files; the first current-context counts', async () => {
  const users = await file(JSON.stringify({ users: [{ name: 'only-here', user: { token: 'secret' } }] }))
  const main = await temporaryKubeconfig(SERVER)
  const server = loadApiServer(undefined, { KUBECONFIG: `${users}:${main}` })
  expect(server.url.href).toBe(`${SERVER}/`)
})

test('a context without a user still checks the server against its CA', async () => {
  const path = await file(
    JSON.stringify({
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c' } }],
      clusters: [{ name: 'c', cluster: { server: SERVER, 'certificate-authority-data': 'Q0E=' } }],
    }),
  )
  expect((await loadApiServer(path).requestOptions()).ca).toEqual(Buffer.from('CA'))
})

test.each<[string, () => Promise<string>, RegExp]>([
  [
    'is missing',
    async () => '/nowhere/kubeconfig',
    /kubeconfig \/nowhere\/kubeconfig cannot be used: ENOENT/,
  ],
  ['is empty', () => file(''), /cannot be used/],
  ['is not YAML', () => file('{'), /cannot be used/],
  ['is YAML of something else', () => file('just text'), /no usable current-context/],
  [
    'names no context',
    () => file('{"clusters":[]}'),
    /no usable current-context; choose one with "kubectl config/,
  ],
  [
    'names a cluster that it does not hold',
    () => file('{"current-context":"c","contexts":[{"name":"c","context":{"cluster":"gone"}}]}'),
    /has no cluster "gone"/,
  ],
  [
    'names a user that it does not hold',
    () =>
      file(
        `{"current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"gone"}}],` +
          `"clusters":[{"name":"c","cluster":{"server":"${SERVER}"}}]}`,
      ),
    /has no user "gone"/,
  ],
  ['names a server that is no URL', () => temporaryKubeconfig('unix:/run/api'), /no http or https URL/],
  [
    'names a CA file that is missing',
    () => temporaryKubeconfig(SERVER, { cluster: { 'certificate-authority': 'ca.crt' } }),
    /ca\.crt cannot be read/,
  ],
  [
    'names a token file that is missing',
    () => temporaryKubeconfig(SERVER, { user: { 'token-file': '/nowhere/token' } }),
    /cannot be used: ENOENT.*\/nowhere\/token/,
  ],
])('a kubeconfig that %s is refused in one clear line', async (_, make, message) => {
  const path = await make()
  expect(() => loadApiServer(path)).toThrow(KubeconfigError)
  expect(() => loadApiServer(path)).toThrow(message)
  try {
    loadApiServer(path)
  } catch (error) {
    expect((error as Error).message).not.toContain('\n')
  }
})
