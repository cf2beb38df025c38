import { expect, test } from 'vitest'
import { IP_POOLS, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { listLeases } from '../../src/cli/leases.ts'
import type { Store } from '../../src/kube/store.ts'
import { openTestApi } from '../embedded/support.ts'
import { configObject, NET_48, poolObject, TEST_MAC } from '../support/objects.ts'

const ADDRESS = '192.168.48.82'

/** The status is no part of what `create` takes. */
async function givenConfig(store: Store, name: string, allocatedIPAddress?: string): Promise<void> {
  const { spec } = configObject({ spec: { vmName: name } })
  await store.create(VM_NETWORK_CONFIGS, {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'VirtualMachineNetworkConfig',
    metadata: { name, namespace: 'default' },
    spec,
  })
  const entry = { macAddress: TEST_MAC, networkName: NET_48, allocatedIPAddress }
  const body = { status: { networkConfig: [entry] } }
  await store.patch(VM_NETWORK_CONFIGS, { namespace: 'default', name }, { type: 'merge', body }, 'status')
}

test.each([
  ['holder', 'refused'],
  ['refused', 'holder'],
])('of two VMs that name one MAC, the one that holds the address is shown (%s first)', async (...names) => {
  const { store } = await openTestApi()
  const { apiVersion, kind, spec } = poolObject()
  const key = { namespace: 'default', name: 'net-48' }
  await store.create(IP_POOLS, { apiVersion, kind, metadata: key, spec })
  const body = { status: { ipv4: { allocated: { [ADDRESS]: TEST_MAC } } } }
  await store.patch(IP_POOLS, key, { type: 'merge', body }, 'status')
  for (const [index, role] of names.entries()) {
    await givenConfig(store, `${index}-${role}`, role === 'holder' ? ADDRESS : undefined)
  }

  const table = await listLeases(store, undefined)

  expect(table).toMatch(/192\.168\.48\.82 +ca:70:82:e6:84:6e +default\/\d-holder +Allocated/)
})
