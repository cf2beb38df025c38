import { expect, test } from 'vitest'
import { annotationsWithRests, restsOnNetwork } from '../../../actors/pool/network-rests.ts'
import { RESTING_ADDRESSES_ANNOTATION } from '../../../src/api/ippool.ts'
import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { parseInstant } from '../../../src/api/values/time.ts'
import { poolObject, TEST_MAC } from '../../support/objects.ts'
import { PoolDriver } from './driver.ts'

const ADDRESS = '192.168.48.82'
const UNTIL = '2026-01-01T00:01:00Z'
const OTHER_MAC = '02:00:00:00:00:01'
const network = (annotations?: Record<string, string>) => ({
  metadata: { name: 'net-48', namespace: 'default', ...(annotations === undefined ? {} : { annotations }) },
})
const resting = { [ADDRESS]: { macAddress: TEST_MAC, until: UNTIL } }

test('what rests when a pool goes is written down on its network, and read there again', () => {
  const left = annotationsWithRests(network(), poolObject({ status: { ipv4: { resting } } }))

  expect(restsOnNetwork(network(left))).toEqual([
    { address: parseIPv4Address(ADDRESS), mac: TEST_MAC, until: parseInstant(UNTIL) },
  ])
})

test('a network on which nothing rests gets no annotation', () => {
  expect(annotationsWithRests(network(), poolObject())).toEqual({})
})

test.each(['', 'nonsense', '[]', '{"a":1}', '{"10.0.0.1":{"macAddress":"x","until":"y"}}'])(
  'what somebody wrote there and makes no sense says nothing: %s',
  (text) => {
    expect(restsOnNetwork(network({ [RESTING_ADDRESSES_ANNOTATION]: text }))).toEqual([])
  },
)

test('an address that a client of an earlier pool of the network may still use goes to nobody else', () => {
  const driver = PoolDriver.of(poolObject())
  const rests = restsOnNetwork(network({ [RESTING_ADDRESSES_ANNOTATION]: JSON.stringify(resting) }))

  driver.tell({ type: 'registration-checked', registration: { registered: true, resting: rests } })
  driver.commit()
  driver.allocate({ mac: OTHER_MAC })
  driver.commit()

  const { allocated = {}, resting: kept } = driver.state.pool?.status?.ipv4 ?? {}
  expect(kept).toEqual(resting)
  expect(Object.entries(allocated).find(([, mac]) => mac === OTHER_MAC)?.[0]).not.toBe(ADDRESS)
})
