import { expect, test } from 'vitest'
import { IP_POOLS } from '../../src/api/resource.ts'
import { applyExample } from '../../src/lab/story.ts'
import { openTestApi } from '../embedded/support.ts'

test('an example is applied as kubectl does it, so that a later apply finds what it compares with', async () => {
  const { store } = await openTestApi()

  await applyExample(store, 'ippool-net-48.yaml')

  const { metadata, spec } = await store.get(IP_POOLS, { namespace: 'default', name: 'net-48' })
  const noted = metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'] ?? ''
  expect(JSON.parse(noted)).toEqual({
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    metadata: { name: 'net-48', namespace: 'default' },
    spec,
  })
})
