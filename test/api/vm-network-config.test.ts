import { expect, test } from 'vitest'
import { requestedNetworks, spellingOf } from '../../src/api/vm-network-config.ts'
import { configObject, TEST_MAC } from '../support/objects.ts'

const entry = { macAddress: TEST_MAC, networkName: 'default/net-48' }

test.each([
  ['networkConfig', { networkConfig: [entry] }],
  ['networkConfigs', { networkConfigs: [entry] }],
  ['networkConfig', { networkConfig: [entry], networkConfigs: [] }],
  ['networkConfigs', { networkConfig: [], networkConfigs: [entry] }],
])('what is filled counts: %s in %j', (spelling, networks) => {
  const config = { ...configObject(), spec: { vmName: 'test-vm', ...networks } }

  expect(spellingOf(config)).toBe(spelling)
  expect(requestedNetworks(config)).toEqual([entry])
})
