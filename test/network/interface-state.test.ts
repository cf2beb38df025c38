import { expect, test } from 'vitest'
import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { interfaceProblem, readInterfaceState } from '../../src/network/interface-state.ts'

const ADDRESS = '192.168.48.77'
const wanted = (changes: { earlier?: string; failure?: string } = {}) => ({
  address: parseIPv4Address(ADDRESS),
  earlier: changes.earlier === undefined ? undefined : parseIPv4Address(changes.earlier),
  failure: changes.failure,
})
const up = (...addresses: string[]) => ({ exists: true, addresses })

test('an interface that has the address is served on', () => {
  expect(interfaceProblem('eth1', up('10.0.0.1', ADDRESS), wanted())).toBeUndefined()
})

test.each([
  ['it is gone', { exists: false, addresses: [] }, {}, 'InterfaceMissing'],
  ['it is down: the address is there, and of no use', up(), {}, 'InterfaceDown'],
  ['the address could not be put there', up('10.0.0.1'), { failure: 'no right' }, 'AddressMissing'],
  ['the address was taken off', up(), { earlier: ADDRESS, failure: 'no right' }, 'AddressMissing'],
])('it cannot be served on while %s', (_, state, changes, reason) => {
  expect(interfaceProblem('eth1', state, wanted(changes))).toMatchObject({ reason, serves: false })
})

test('after an edit of the server address it is served on with the one that is there', () => {
  const changes = { earlier: '192.168.48.78', failure: 'no right' }

  expect(interfaceProblem('eth1', up('192.168.48.78'), wanted(changes))).toMatchObject({
    reason: 'AddressOutdated',
    serves: true,
  })
})

test('this machine’s loopback is seen with its address; what is not there is not', () => {
  expect(readInterfaceState('lo')).toEqual({ exists: true, addresses: ['127.0.0.1'] })
  expect(readInterfaceState('nowhere0')).toEqual({ exists: false, addresses: [] })
})
