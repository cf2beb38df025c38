import { runCommand } from '../../../src/network/command.ts'
import { sharedControlPlane } from '../control-plane/control-plane.ts'

const KINDS = ['ippools.network', 'vmnetcfg', 'vm', 'vmi', 'net-attach-def']

/** Other files leave pools and networks in namespaces of theirs, which a controller would take up. */
export async function emptyCluster(): Promise<void> {
  const { kubeconfig, assets } = await sharedControlPlane()
  const environment = { ...process.env, KUBECONFIG: kubeconfig }
  const kubectl = async (...args: string[]) =>
    (await runCommand(`${assets}/kubectl`, args, { environment })).stdout
  // A product that a failed test left half undone must not be asked about what follows.
  const webhooks = 'validatingwebhookconfiguration,mutatingwebhookconfiguration'
  await kubectl('delete', webhooks, 'managed-dhcp', '--ignore-not-found')
  for (const kind of KINDS) {
    await kubectl('delete', kind, '--all', '--all-namespaces', '--wait=false')
    const keys = '{range .items[*]}{.metadata.namespace} {.metadata.name}{"\\n"}{end}'
    const kept = await kubectl('get', kind, '--all-namespaces', '-o', `jsonpath=${keys}`)
    for (const [namespace = '', name = ''] of kept
      .split('\n')
      .filter(Boolean)
      .map((key) => key.split(' '))) {
      const unhold = ['--type=merge', '-p', '{"metadata":{"finalizers":null}}']
      await kubectl('patch', kind, name, '-n', namespace, ...unhold)
    }
  }
}
