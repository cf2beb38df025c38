import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Authority } from './certificates.ts'
import { API_SERVER_URL, type Layout } from './layout.ts'

export interface Identity {
  user: string
  groups?: readonly string[]
  /** Of the context; default `default`. */
  namespace?: string
}

let counter = 0

/** A kubeconfig that holds all that it needs. @returns its path */
export async function writeClientKubeconfig(
  layout: Layout,
  authority: Authority,
  identity: Identity,
  path = newPath(layout, identity),
): Promise<string> {
  const { certificate, key } = await authority.issue({
    commonName: identity.user,
    organizations: identity.groups ?? [],
  })
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [
      {
        name: 'test',
        context: { cluster: 'test', user: 'test', namespace: identity.namespace ?? 'default' },
      },
    ],
    clusters: [
      {
        name: 'test',
        cluster: { server: API_SERVER_URL, 'certificate-authority-data': base64(authority.pem) },
      },
    ],
    users: [
      {
        name: 'test',
        user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) },
      },
    ],
  }
  await writeFile(path, JSON.stringify(config), { mode: 0o600 })
  return path
}

function newPath(layout: Layout, identity: Identity): string {
  counter += 1
  const user = identity.user.replace(/[^a-zA-Z0-9.-]+/g, '-')
  return join(layout.directory, `${user}-${process.pid}-${counter}.kubeconfig`)
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
