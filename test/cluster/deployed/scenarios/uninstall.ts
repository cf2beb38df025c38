import { expect, test } from 'vitest'
import { eventually } from '../../../e2e/support/eventually.ts'
import { uninstall } from '../deployment.ts'
import { SYSTEM_NAMESPACE } from '../names.ts'
import type { World } from '../world.ts'

export function describeUninstall(world: World): void {
  test('an uninstall as documented leaves nothing behind, and no object is stuck', async () => {
    await world.client.stop()
    await uninstall(world.system)
    const definitions = await world.system.kubectl(['get', 'crd', '-o', 'name'])
    expect(definitions).not.toContain('network.harvesterhci.io')
    const everything = 'all,secret,lease,serviceaccount,role,rolebinding,pdb,networkpolicy'
    const left = async () => {
      const names = await world.system.kubectl(['get', everything, '-n', SYSTEM_NAMESPACE, '-o', 'name'])
      return names.split('\n').filter((name) => name !== '' && name !== 'serviceaccount/default')
    }
    // A webhook answers for some seconds more, until nobody asks it any more.
    await eventually('all pods to end', async () => ((await left()).length === 0 ? true : undefined), {
      seconds: 60,
    })
    expect(await left()).toEqual([])
    const roles = await world.system.kubectl(['get', 'clusterrole,clusterrolebinding', '-o', 'name'])
    expect(roles).not.toContain('managed-dhcp')
    expect(await world.system.kubectl(['get', 'vm', '-A', '-o', 'name'])).toContain('test-vm')
    const labels = await world.system.kubectl([
      'get',
      'net-attach-def',
      'net-48',
      '-o',
      'jsonpath={.metadata.labels}',
    ])
    expect(labels).not.toContain('ippool')
  })
}
