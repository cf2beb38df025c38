import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { packageFile } from '../../src/runtime/package-root.ts'
import { type ControlPlane, sharedControlPlane } from '../cluster/control-plane/control-plane.ts'
import { build, type Manifest, nameOf, OVERLAYS } from './support/kustomize.ts'

const NAMESPACE = 'deploy-apply'
const CONFIGURATIONS = ['validatingwebhookconfiguration', 'mutatingwebhookconfiguration']

let controlPlane: ControlPlane
let folder: string
beforeAll(async () => {
  controlPlane = await sharedControlPlane()
  folder = await mkdtemp(path.join(tmpdir(), 'mdhcp-apply-'))
  await kubectl(['create', 'namespace', NAMESPACE])
  // Pods that ask for more than the restricted standard lets are warned about.
  await kubectl(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/warn=restricted'])
})
afterAll(async () => {
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false'])
  await rm(folder, { recursive: true, force: true })
})

function kubectl(args: readonly string[], input = ''): Promise<string> {
  const program = path.join(controlPlane.assets, 'kubectl')
  return new Promise((resolve, reject) => {
    const options = { encoding: 'utf8' as const, maxBuffer: 1 << 26 }
    const child = execFile(
      program,
      ['--kubeconfig', controlPlane.kubeconfig, ...args],
      options,
      (error, out, err) => (error ? reject(new Error(`${error.message}\n${err}`)) : resolve(out + err)),
    )
    child.stdin?.end(input)
  })
}

/** An overlay in a namespace of its own: harvester-system is that of other tests. */
async function overlay(name: string): Promise<Manifest[]> {
  const at = (...parts: string[]) => path.relative(folder, packageFile('deploy', ...parts))
  const follow = name === 'cert-manager' ? [at('follow'), at('components', name, 'follow')] : [at('follow')]
  const lines = [
    `namespace: ${NAMESPACE}`,
    `resources: [${at('overlays', name)}]`,
    `transformers: [${follow}]`,
  ]
  await writeFile(path.join(folder, 'kustomization.yaml'), lines.join('\n'))
  return build(folder)
}

const asInput = (manifests: readonly Manifest[]) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests })

/** Kinds that this API server does not have: those of cert-manager and of the Prometheus operator. */
const isForeign = ({ apiVersion }: Manifest) =>
  /^(cert-manager\.io|monitoring\.coreos\.com)\//.test(apiVersion)

describe.each(OVERLAYS)('the overlay %s', (name) => {
  test('is taken by the API server: every field is known, no pod asks for more than the restricted standard lets', async () => {
    // The definitions are there already, and applied otherwise, of which a dry run would warn.
    const manifests = (await overlay(name)).filter(
      (manifest) => manifest.kind !== 'CustomResourceDefinition' && !isForeign(manifest),
    )
    const said = await kubectl(
      ['apply', '--dry-run=server', '--validate=strict', '--server-side', '--force-conflicts', '-f', '-'],
      asInput(manifests),
    )
    expect(said.split('\n').filter((line) => /serverside-applied/.test(line))).toHaveLength(manifests.length)
    expect(said).not.toMatch(/[Ww]arning/)
  })
})

test('a pod that asks for more would be warned about', async () => {
  const manifests = await overlay('default')
  const text = asInput(manifests.filter(({ kind }) => kind === 'Deployment'))
  const looser = text.replaceAll('"allowPrivilegeEscalation":false', '"allowPrivilegeEscalation":true')
  const said = await kubectl(['apply', '--dry-run=server', '--server-side', '-f', '-'], looser)
  expect(said).toMatch(/Warning: would violate PodSecurity/)
})

describe.each([
  ['on the client’s side', ['apply']],
  ['on the server’s side', ['apply', '--server-side']],
])('applied again %s', (_, apply) => {
  afterEach(() => kubectl(['delete', ...[CONFIGURATIONS.join(','), 'managed-dhcp']]))

  test('the configurations keep the caBundle that the webhook wrote', async () => {
    const configurations = (await overlay('default')).filter(({ kind }) =>
      kind.endsWith('WebhookConfiguration'),
    )
    expect(configurations.map(nameOf)).toHaveLength(2)
    await kubectl([...apply, '-f', '-'], asInput(configurations))
    const caBundle = Buffer.from(controlPlane.caPem).toString('base64')
    const patch = [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: caBundle }]
    for (const kind of CONFIGURATIONS)
      await kubectl(['patch', kind, 'managed-dhcp', '--type', 'json', '-p', JSON.stringify(patch)])

    const newer = JSON.parse(asInput(configurations).replaceAll('"timeoutSeconds":5', '"timeoutSeconds":6'))
    await kubectl([...apply, '-f', '-'], JSON.stringify(newer))

    const schema = z.object({
      webhooks: z.tuple([
        z.object({ timeoutSeconds: z.number(), clientConfig: z.object({ caBundle: z.string() }) }),
      ]),
    })
    for (const kind of CONFIGURATIONS) {
      const { webhooks } = schema.parse(
        JSON.parse(await kubectl(['get', kind, 'managed-dhcp', '-o', 'json'])),
      )
      expect(webhooks[0]).toMatchObject({ timeoutSeconds: 6, clientConfig: { caBundle } })
    }
  })
})
