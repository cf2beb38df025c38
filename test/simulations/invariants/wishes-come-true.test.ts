import { describe, expect, test } from 'vitest'
import { wishesComeTrue } from '../../../simulations/invariants/wishes-come-true.ts'
import type { IPPool } from '../../../src/api/ippool.ts'
import type { VmNetworkConfig } from '../../../src/api/vm-network-config.ts'
import { configObject, NET_48, TEST_MAC } from '../../support/objects.ts'
import { ADDRESS, Court, OTHER_MAC, orderly, told } from './court.ts'

type Status = NonNullable<VmNetworkConfig['status']>

function asks(status: Status, { name = 'test-vm', pin = '' } = {}): VmNetworkConfig {
  const networks = [{ macAddress: TEST_MAC, networkName: NET_48, ...(pin === '' ? {} : { ipAddress: pin }) }]
  return { ...configObject({ metadata: { name, ownerReferences: [] }, networks }), status }
}

function judged(pool: IPPool, ...configs: VmNetworkConfig[]): string[] {
  const court = new Court(({ witness, history, wishes }) => wishesComeTrue(witness, history, wishes))
  court.pool(pool)
  for (const config of configs) court.config(config)
  return court.afterQuiet()
}

const has = orderly({ [ADDRESS]: TEST_MAC })
const allocated = told('Allocated', { address: ADDRESS })
const refused = told('Pending', { message: 'another has it' })

describe('who asks alone', () => {
  test('has an address, and is told so', () => {
    expect(judged(has, asks(allocated))).toEqual([])
  })

  test('does not go without while one is free', () => {
    expect(judged(orderly(), asks(refused))).toEqual(['who asks is given'])
  })

  test('is not told another address, or nothing', () => {
    expect(judged(has, asks(told('Allocated', { address: '192.168.48.85' })))).toContain(
      'the status comes true',
    )
    expect(judged(has, asks({}))).toContain('the status comes true')
  })
})

describe('who pins an address', () => {
  const pin = '192.168.48.85'

  test('has it, when it is free', () => {
    expect(judged(has, asks(refused, { pin }))).toEqual(['a pin is given'])
    expect(judged(has, asks(allocated, { pin: ADDRESS }))).toEqual([])
  })

  test('goes without when another has it, or it is not offered, and is told why', () => {
    const taken = orderly({ [ADDRESS]: TEST_MAC, [pin]: OTHER_MAC })
    expect(judged(taken, asks(refused, { pin }))).toEqual([])
    expect(judged(has, asks(refused, { pin: '192.168.48.81' }))).toEqual([])
    expect(judged(orderly({ [pin]: OTHER_MAC }), asks(told('Pending'), { pin }))).toEqual([
      'who goes without is told why',
    ])
  })
})

describe('of two who ask for one MAC', () => {
  const twin = { name: 'twin' }

  test('one has it, and the other is told why not', () => {
    expect(judged(has, asks(allocated), asks(refused, twin))).toEqual([])
    expect(judged(has, asks(allocated), asks(told('Pending'), twin))).toEqual([
      'who goes without is told why',
    ])
  })

  test('not both', () => {
    expect(judged(has, asks(allocated), asks(allocated, twin))).toEqual(['one of twins is given'])
  })

  test('not neither', () => {
    expect(judged(orderly(), asks(refused), asks(refused, twin))).toEqual(['one of twins is given'])
    expect(judged(has, asks(refused), asks(refused, twin))).toEqual(['one of twins is given'])
  })
})
