import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RESTING_ADDRESSES_ANNOTATION } from '../../src/api/ippool.ts'
import { packageFile } from '../../src/runtime/package-root.ts'
import { type ControlPlane, sharedControlPlane } from '../cluster/control-plane/control-plane.ts'
import { emptyCluster } from '../cluster/deployed/empty-cluster.ts'
import { POOL_SPEC } from '../kubernetes-api/manifests.ts'

const NAMESPACE = 'deploy-uninstall'
let controlPlane: ControlPlane
beforeAll(async () => {
  controlPlane = await sharedControlPlane()
  // Others' pools in namespaces that are just being deleted would go between two of the commands.
  await emptyCluster()
  await bash(`kubectl create namespace ${NAMESPACE}`)
})
afterAll(() => bash(`kubectl delete namespace ${NAMESPACE} --wait=false`))

/** Where a reader of the README types. */
async function bash(script: string): Promise<string> {
  const environment = {
    ...process.env,
    PATH: `${controlPlane.assets}:${process.env.PATH}`,
    KUBECONFIG: controlPlane.kubeconfig,
  }
  const options = { cwd: packageFile('.'), env: environment }
  return (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], options)).stdout
}

/** The first block of commands after these words. */
function commandsAfter(words: string): string {
  const [, rest] = readFileSync(packageFile('deploy', 'README.md'), 'utf8').split(words)
  const commands = /```sh\n([\s\S]*?)```/.exec(rest ?? '')?.[1]
  if (commands === undefined) throw new Error(`no commands after "${words}"`)
  return commands
}

test('the README’s commands leave no object, no finalizer, no label and no annotation behind', async () => {
  const metadata = (finalizer: string) => ({
    name: 'left',
    namespace: NAMESPACE,
    finalizers: [`wrangler.cattle.io/${finalizer}`],
  })
  const labels = {
    'network.harvesterhci.io/ippool-namespace': NAMESPACE,
    'network.harvesterhci.io/ippool-name': 'left',
  }
  const ours = 'network.harvesterhci.io/v1alpha1'
  const objects = [
    { apiVersion: ours, kind: 'IPPool', metadata: metadata('vm-dhcp-ippool-controller'), spec: POOL_SPEC },
    {
      apiVersion: ours,
      kind: 'VirtualMachineNetworkConfig',
      metadata: metadata('vm-dhcp-vmnetcfg-controller'),
      spec: {
        vmName: 'left',
        networkConfig: [{ macAddress: '02:00:00:00:00:01', networkName: 'default/net-48' }],
      },
    },
    {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: {
        name: 'left',
        namespace: NAMESPACE,
        labels: { ...labels, mine: 'stays' },
        annotations: { [RESTING_ADDRESSES_ANNOTATION]: '{}', mine: 'stays' },
      },
      spec: { config: '{}' },
    },
  ]
  for (const object of objects) await bash(`kubectl create -f - <<'END'\n${JSON.stringify(object)}\nEND`)

  const commands = commandsAfter('For good, with all pools and leases')
  // Other tests of this control plane need the definitions.
  expect(commands).toMatch(/kubectl delete -k deploy\/crds\n$/)
  await bash(
    commands.replace('kubectl delete -k deploy/crds', 'kubectl delete --dry-run=server -k deploy/crds'),
  )

  expect(await bash('kubectl get ippools.network.harvesterhci.io,vmnetcfg -A -o name')).toBe('')
  expect(
    await bash(
      `kubectl -n ${NAMESPACE} get network-attachment-definitions left -o jsonpath='{.metadata.labels}'`,
    ),
  ).toBe('{"mine":"stays"}')
  expect(
    await bash(
      `kubectl -n ${NAMESPACE} get network-attachment-definitions left -o jsonpath='{.metadata.annotations}'`,
    ),
  ).toBe('{"mine":"stays"}')
})
