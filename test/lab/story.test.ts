import { expect, test } from 'vitest'
import { IP_POOLS } from '../../src/api/resource.ts'
import { applyExample } from '../../src/lab/story.ts'
import { openTestApi } from '../embedded/support.ts'

test('an example is applied as kubectl does it, so that a later apply finds what it compares with', async () => {
  const { store } = await openTestApi()

  await applyExample(store, 'ippool-net-48.yaml')

  const { metadata } = await store.get(IP_POOLS, { namespace: 'default', name: 'net-48' })
  // As kubectl 1.32 writes it: `kubectl apply -f deploy/examples/ippool-net-48.yaml`.
  expect(metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration']).toBe(
    `{"apiVersion":"network.harvesterhci.io/v1alpha1","kind":"IPPool","metadata":{"annotations":{},"name":"net-48","namespace":"default"},"spec":{"ipv4Config":{"cidr":"192.168.48.0/24","dns":["1.1.1.1"],"leaseTime":300,"pool":{"end":"192.168.48.90","exclude":["192.168.48.81","192.168.48.90"],"start":"192.168.48.81"},"router":"192.168.48.1","serverIP":"192.168.48.77"},"networkName":"default/net-48"}}\n`,
  )
})
