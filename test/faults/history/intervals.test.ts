import fc from 'fast-check'
import { expect, test } from 'vitest'
import { heard } from './builders.ts'
import { findOverlaps, type LeaseInterval, leaseIntervals, tellOverlap } from './intervals.ts'

test('a lease runs from its first ACK until it runs out; a renewal prolongs it', () => {
  const [lease, ...others] = leaseIntervals([heard('acked', 1, 5, 1, 10), heard('acked', 1, 5, 6, 10)])
  expect(others).toEqual([])
  expect(lease).toMatchObject({ from: 1_000, until: 16_000, ending: 'runs out' })
})

test('a shorter ACK does not take back what a longer one promised', () => {
  const [lease] = leaseIntervals([heard('acked', 1, 5, 1, 100), heard('acked', 1, 5, 2, 10)])
  expect(lease?.until).toBe(101_000)
})

test.each(['nak', 'expired', 'released', 'gone'] as const)('a lease ends early: %s', (type) => {
  const [lease] = leaseIntervals([heard('acked', 1, 5, 1, 10), heard(type, 1, 5, 3)])
  expect(lease).toMatchObject({ until: 3_000, ending: type })
})

test('an ACK after the end begins another lease', () => {
  const events = [heard('acked', 1, 5, 1, 10), heard('acked', 1, 5, 20, 10)]
  expect(leaseIntervals(events).map(({ from, until }) => [from, until])).toEqual([
    [1_000, 11_000],
    [20_000, 30_000],
  ])
})

test('an address that passes on when its lease has run out has one holder at a time', () => {
  const events = [heard('acked', 1, 5, 1, 10), heard('acked', 2, 5, 11, 10)]
  expect(findOverlaps(leaseIntervals(events))).toEqual([])
})

test('a client counts its lease from when it asked: what is heard late does not make two holders', () => {
  const events = [heard('acked', 1, 5, 1.2, 10), heard('acked', 2, 5, 11, 10)]
  expect(findOverlaps(leaseIntervals(events))).toHaveLength(1)
  expect(findOverlaps(leaseIntervals(events, { heardLateMs: 250 }))).toEqual([])
})

test('two MACs with unexpired ACKs for one address: the report tells who believed what since when', () => {
  const events = [
    heard('acked', 1, 5, 1, 20),
    heard('acked', 3, 6, 2, 20),
    heard('acked', 2, 5, 9, 20),
    heard('released', 1, 5, 12),
  ]
  const overlaps = findOverlaps(leaseIntervals(events))
  expect(overlaps.map(tellOverlap)).toEqual([
    [
      '10.0.0.5 has two holders from 9.000 s to 12.000 s:',
      '  02:00:00:00:00:01 (vm-1) from 1.000 s, released at 12.000 s',
      '  02:00:00:00:00:02 (vm-2) from 9.000 s, runs out at 29.000 s',
      '         1.000 s  vm-1 acked for 20 s',
      '         9.000 s  vm-2 acked for 20 s',
      '        12.000 s  vm-1 released',
    ].join('\n'),
  ])
})

test('the sweep finds what comparing every two leases finds', () => {
  const interval = fc
    .record({ machine: fc.nat(4), address: fc.nat(3), from: fc.nat(50), length: fc.nat(20) })
    .map(({ machine, address, from, length }): LeaseInterval => {
      const [lease] = leaseIntervals([heard('acked', machine, address, from, length)])
      if (lease === undefined) throw new Error('no lease')
      return lease
    })
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 30 }), (intervals) => {
      const naive = intervals.flatMap((a, index) => intervals.slice(index + 1).filter((b) => overlap(a, b)))
      expect(findOverlaps(intervals)).toHaveLength(naive.length)
    }),
  )
})

function overlap(a: LeaseInterval, b: LeaseInterval): boolean {
  const together = Math.min(a.until, b.until) - Math.max(a.from, b.from)
  return a.address === b.address && a.mac !== b.mac && together > 0
}
