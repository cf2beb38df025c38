import { afterEach, expect, test } from 'vitest'
import { SERVICES, VIRTUAL_MACHINES } from '../../src/api/resource.ts'
import { parseCidr } from '../../src/api/values/cidr.ts'
import type { EmbeddedApi } from '../../src/embedded/embedded-api.ts'
import { packageFile } from '../../src/runtime/package-root.ts'
import { createStoreClusterView } from '../../src/webhook/store-cluster-view.ts'
import { openTestApi } from '../embedded/support.ts'
import { vmObject } from '../support/objects.ts'

const VM = { namespace: 'default', name: 'test-vm' }
let api: EmbeddedApi
afterEach(() => api.close())

test('a VM is there, or is not', async () => {
  api = await openTestApi()
  const view = createStoreClusterView({ store: api.store })
  expect(await view.vmExists(VM)).toBe(false)

  await api.store.create(VIRTUAL_MACHINES, vmObject())

  expect(await view.vmExists(VM)).toBe(true)
})

test('on a cluster without KubeVirt nobody can tell whether a VM is there', async () => {
  api = await openTestApi({ crdDirectories: [packageFile('deploy', 'crds')] })

  expect(await createStoreClusterView({ store: api.store }).vmExists(VM)).toBeUndefined()
})

test('the addresses of Services are those of the flag, and that of the API server', async () => {
  api = await openTestApi()
  const metadata = { namespace: 'default', name: 'kubernetes' }
  await api.store.create(SERVICES, { metadata, spec: { clusterIPs: ['10.53.0.1', 'fd00::1'] } })
  const told = parseCidr('10.53.0.0/16')

  expect(await createStoreClusterView({ store: api.store, serviceCidrs: [told] }).serviceRanges()).toEqual([
    { subnet: told, source: '--service-cidr' },
    { subnet: parseCidr('10.53.0.1/32'), source: 'Service default/kubernetes' },
  ])
})
