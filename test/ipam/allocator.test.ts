import { describe, expect, test } from 'vitest'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import {
  AddressExcludedError,
  AddressOutOfRangeError,
  AddressTakenError,
  InvalidRangeError,
  MacHoldsAnotherAddressError,
  PoolExhaustedError,
} from '../../src/ipam/errors.ts'
import { ip, mac, pool } from './support.ts'

const [alice, bob, carol, dave] = [mac(1), mac(2), mac(3), mac(4)]
const allocated = (allocator: ReturnType<typeof pool>, ...args: Parameters<typeof allocator.allocate>) =>
  formatIPv4Address(allocator.allocate(...args))

describe('allocate', () => {
  test('gives the lowest address that was never used', () => {
    const allocator = pool('10.0.0.5', '10.0.0.7')
    expect(allocated(allocator, alice)).toBe('10.0.0.5')
    expect(allocated(allocator, bob)).toBe('10.0.0.6')
  })

  test('gives a MAC the address that it holds already, whatever the hint', () => {
    const allocator = pool('10.0.0.1', '10.0.0.9')
    allocator.allocate(alice)
    expect(allocated(allocator, alice, ip('10.0.0.7'))).toBe('10.0.0.1')
    expect(allocator.used).toBe(1)
  })

  test('gives the hint when it is free', () => {
    expect(allocated(pool('10.0.0.1', '10.0.0.9'), alice, ip('10.0.0.7'))).toBe('10.0.0.7')
  })

  test.each([
    ['outside the range', '10.0.1.1'],
    ['excluded', '10.0.0.3'],
    ['held', '10.0.0.1'],
    ['resting for another MAC', '10.0.0.2'],
  ])('ignores a hint that is %s', (_, hint) => {
    const allocator = pool('10.0.0.1', '10.0.0.9', ['10.0.0.3'])
    allocator.claim(ip('10.0.0.1'), alice)
    allocator.rest(ip('10.0.0.2'), bob)
    expect(allocated(allocator, carol, ip(hint))).toBe('10.0.0.4')
  })

  test('never gives an excluded address', () => {
    const allocator = pool('10.0.0.1', '10.0.0.4', ['10.0.0.1', '10.0.0.3'])
    expect([alice, bob].map((who) => allocated(allocator, who))).toEqual(['10.0.0.2', '10.0.0.4'])
    expect(() => allocator.allocate(carol)).toThrow(PoolExhaustedError)
  })

  test('skips addresses that were claimed ahead', () => {
    const allocator = pool('10.0.0.1', '10.0.0.9')
    allocator.claim(ip('10.0.0.2'), alice)
    allocator.claim(ip('10.0.0.1'), bob)
    expect(allocated(allocator, carol)).toBe('10.0.0.3')
  })

  test('prefers addresses that were never used, then the one that has been free for longest', () => {
    const allocator = pool('10.0.0.1', '10.0.0.3')
    allocator.allocate(alice)
    allocator.allocate(bob)
    allocator.release(bob)
    allocator.release(alice)
    const order = [carol, dave, mac(5)].map((who) => allocated(allocator, who))
    expect(order).toEqual(['10.0.0.3', '10.0.0.2', '10.0.0.1'])
  })

  test('an address that was pinned and given back waits behind those that were never used', () => {
    const allocator = pool('10.0.0.1', '10.0.0.3')
    allocator.claim(ip('10.0.0.1'), alice)
    allocator.release(alice)
    expect([bob, carol, dave].map((who) => allocated(allocator, who))).toEqual([
      '10.0.0.2',
      '10.0.0.3',
      '10.0.0.1',
    ])
  })

  test('an exhausted pool says how its addresses are spent', () => {
    const allocator = pool('10.0.0.1', '10.0.0.3', ['10.0.0.2', '10.9.9.9'])
    allocator.allocate(alice)
    allocator.rest(ip('10.0.0.3'), bob)
    expect(() => allocator.allocate(carol)).toThrow(
      expect.objectContaining({ counts: { capacity: 2, held: 1, excluded: 1, resting: 1 } }),
    )
  })
})

describe('resting addresses', () => {
  test('an address given back with a rest returns to its MAC and to nobody else', () => {
    const allocator = pool('10.0.0.1', '10.0.0.2')
    allocator.allocate(alice)
    allocator.release(alice, { rest: true })
    expect(allocated(allocator, bob)).toBe('10.0.0.2')
    expect(() => allocator.allocate(carol)).toThrow(PoolExhaustedError)
    expect(() => allocator.claim(ip('10.0.0.1'), carol)).toThrow(AddressTakenError)
    expect(allocated(allocator, alice)).toBe('10.0.0.1')
    expect([...allocator.resting()]).toEqual([])
  })

  test('after its rest an address is the last to be used again', () => {
    const allocator = pool('10.0.0.1', '10.0.0.2')
    allocator.claim(ip('10.0.0.1'), alice)
    allocator.claim(ip('10.0.0.2'), bob)
    allocator.release(alice, { rest: true })
    allocator.release(bob)
    allocator.wake(ip('10.0.0.1'))
    expect([carol, dave].map((who) => allocated(allocator, who))).toEqual(['10.0.0.2', '10.0.0.1'])
  })

  test('of several addresses that rest for a MAC it gets the hinted one, else the last given back', () => {
    const allocator = pool('10.0.0.1', '10.0.0.9')
    allocator.rest(ip('10.0.0.5'), alice)
    allocator.rest(ip('10.0.0.3'), alice)
    expect(allocated(allocator, alice, ip('10.0.0.5'))).toBe('10.0.0.5')
    allocator.release(alice, { rest: true })
    expect(allocated(allocator, alice)).toBe('10.0.0.5')
    expect([...allocator.resting()]).toEqual([[ip('10.0.0.3'), alice]])
  })

  test('resting addresses count as available, not as used', () => {
    const allocator = pool('10.0.0.1', '10.0.0.4')
    allocator.rest(ip('10.0.0.2'), alice)
    expect([allocator.used, allocator.available]).toEqual([0, 4])
  })

  test('only a free address can be set to rest; the same rest twice is one', () => {
    const allocator = pool('10.0.0.1', '10.0.0.4')
    allocator.claim(ip('10.0.0.1'), alice)
    allocator.rest(ip('10.0.0.2'), bob)
    allocator.rest(ip('10.0.0.2'), bob)
    expect(() => allocator.rest(ip('10.0.0.1'), alice)).toThrow(AddressTakenError)
    expect(() => allocator.rest(ip('10.0.0.2'), carol)).toThrow(AddressTakenError)
  })

  test('an address outside the range or excluded can rest, is never given out and vanishes when it wakes', () => {
    const allocator = pool('10.0.0.1', '10.0.0.2', ['10.0.0.2'])
    allocator.rest(ip('10.0.0.2'), alice)
    allocator.rest(ip('10.9.0.1'), alice)
    expect(() => allocator.adopt(ip('10.9.0.1'), bob)).toThrow(AddressTakenError)
    expect(allocated(allocator, alice)).toBe('10.0.0.1')
    allocator.wake(ip('10.0.0.2'))
    allocator.wake(ip('10.9.0.1'))
    expect(() => allocator.allocate(bob)).toThrow(
      expect.objectContaining({ counts: { capacity: 1, held: 1, excluded: 1, resting: 0 } }),
    )
  })

  test('waking an address that does not rest changes nothing', () => {
    const allocator = pool('10.0.0.1', '10.0.0.2')
    allocator.allocate(alice)
    allocator.wake(ip('10.0.0.1'))
    allocator.wake(ip('10.0.0.2'))
    expect(allocator.holderOf(ip('10.0.0.1'))).toBe(alice)
    expect(allocated(allocator, bob)).toBe('10.0.0.2')
    expect(() => allocator.allocate(carol)).toThrow(PoolExhaustedError)
  })
})

describe('claim', () => {
  test('is idempotent', () => {
    const allocator = pool('10.0.0.1', '10.0.0.9')
    allocator.claim(ip('10.0.0.4'), alice)
    allocator.claim(ip('10.0.0.4'), alice)
    expect(allocator.used).toBe(1)
  })

  test('refuses with the reason', () => {
    const allocator = pool('10.0.0.1', '10.0.0.9', ['10.0.0.2'])
    allocator.claim(ip('10.0.0.4'), alice)
    expect(() => allocator.claim(ip('10.0.1.1'), bob)).toThrow(AddressOutOfRangeError)
    expect(() => allocator.claim(ip('10.0.0.2'), bob)).toThrow(AddressExcludedError)
    expect(() => allocator.claim(ip('10.0.0.4'), bob)).toThrow(AddressTakenError)
    expect(() => allocator.claim(ip('10.0.0.5'), alice)).toThrow(MacHoldsAnotherAddressError)
    expect(allocator.used).toBe(1)
  })
})

describe('adopt', () => {
  test('takes addresses outside the range or excluded, which count in neither used nor available', () => {
    const allocator = pool('10.0.0.1', '10.0.0.4', ['10.0.0.2'])
    allocator.adopt(ip('10.0.0.2'), alice)
    allocator.adopt(ip('10.9.0.1'), bob)
    expect([allocator.capacity, allocator.used, allocator.available]).toEqual([3, 0, 3])
    expect(allocator.allocate(alice)).toBe(ip('10.0.0.2'))
    allocator.claim(ip('10.9.0.1'), bob)
    expect([...allocator.held()]).toEqual([
      [ip('10.0.0.2'), alice],
      [ip('10.9.0.1'), bob],
    ])
  })

  test('what was adopted from elsewhere is not given out once it is released', () => {
    const allocator = pool('10.0.0.1', '10.0.0.1')
    allocator.adopt(ip('10.9.0.1'), alice)
    allocator.release(alice)
    expect(allocated(allocator, alice, ip('10.9.0.1'))).toBe('10.0.0.1')
    expect(() => allocator.allocate(bob)).toThrow(PoolExhaustedError)
  })

  test('refuses what is taken', () => {
    const allocator = pool('10.0.0.1', '10.0.0.9')
    allocator.adopt(ip('10.9.0.1'), alice)
    expect(() => allocator.adopt(ip('10.9.0.1'), bob)).toThrow(AddressTakenError)
    expect(() => allocator.adopt(ip('10.9.0.2'), alice)).toThrow(MacHoldsAnotherAddressError)
  })
})

describe('ranges', () => {
  test('a range may be one address', () => {
    const allocator = pool('10.0.0.1', '10.0.0.1')
    expect(allocated(allocator, alice)).toBe('10.0.0.1')
    allocator.release(alice)
    expect(allocated(allocator, bob)).toBe('10.0.0.1')
  })

  test('a range may end at 255.255.255.255', () => {
    const allocator = pool('255.255.255.254', '255.255.255.255')
    expect([alice, bob].map((who) => allocated(allocator, who))).toEqual([
      '255.255.255.254',
      '255.255.255.255',
    ])
    expect(() => allocator.allocate(carol)).toThrow(PoolExhaustedError)
  })

  test('a range may be the whole address space', () => {
    const allocator = pool('0.0.0.0', '255.255.255.255')
    expect(allocator.capacity).toBe(2 ** 32)
    expect(allocated(allocator, alice)).toBe('0.0.0.0')
    expect(allocated(allocator, bob, ip('255.255.255.255'))).toBe('255.255.255.255')
  })

  test('all of a range may be excluded', () => {
    const allocator = pool('10.0.0.1', '10.0.0.2', ['10.0.0.1', '10.0.0.2'])
    expect(() => allocator.allocate(alice)).toThrow(PoolExhaustedError)
    expect(allocator.capacity).toBe(0)
  })

  test('an excluded address outside the range does not lower the capacity', () => {
    const allocator = pool('10.0.0.1', '10.0.0.2', ['10.0.9.1'])
    expect(allocator.capacity).toBe(2)
    expect(allocator.isExcluded(ip('10.0.9.1'))).toBe(true)
  })

  test('a start above the end is refused', () => {
    expect(() => pool('10.0.0.2', '10.0.0.1')).toThrow(InvalidRangeError)
  })
})
