import { expect, test } from 'vitest'
import { addressOf, allocated, macOf, released } from './builders.ts'
import type { PoolOperation } from './events.ts'
import { checkLinearizable, tellVerdict } from './linearizability.ts'

const typeOf = (...history: Parameters<typeof checkLinearizable>[0]) => checkLinearizable(history).type

test('an address that is given after its holder has given it back', () => {
  expect(typeOf(allocated(1, 5, 0, 1), released(1, 2, 3), allocated(2, 5, 4, 5))).toBe('linearizable')
})

test('an address that is given while another holds it: the report says how far it can be explained', () => {
  const verdict = checkLinearizable([allocated(1, 5, 0, 1_000), allocated(2, 5, 2_000, 3_000)])
  expect(tellVerdict(verdict)).toBe(
    [
      'no order of the operations explains their answers. The longest that does:',
      '  0.000 s to 1.000 s: allocate(02:00:00:00:00:01) = 10.0.0.5',
      'then the pool is: 10.0.0.5 02:00:00:00:00:01; and none of these can be next:',
      '  2.000 s to 3.000 s: allocate(02:00:00:00:00:02) = 10.0.0.5',
    ].join('\n'),
  )
})

test('a release and an allocation that overlap may have come in either order', () => {
  expect(typeOf(allocated(1, 5, 0, 1), allocated(2, 5, 2, 4), released(1, 3, 5))).toBe('linearizable')
  expect(typeOf(allocated(1, 5, 0, 1), allocated(2, 5, 2, 4), released(1, 4.5, 5))).toBe('not-linearizable')
})

test('a MAC that holds an address gets the same one again, and is not refused', () => {
  expect(typeOf(allocated(1, 5, 0, 1), allocated(1, 5, 2, 3))).toBe('linearizable')
  expect(typeOf(allocated(1, 5, 0, 1), allocated(1, 6, 2, 3))).toBe('not-linearizable')
  expect(typeOf(allocated(1, 5, 0, 1), allocated(1, 'refused', 2, 3))).toBe('not-linearizable')
})

test('an allocation that nobody heard of may have happened, and then counts', () => {
  expect(typeOf(allocated(1, 'unknown', 0, 1), allocated(2, 5, 2, 3), allocated(1, 6, 4, 5))).toBe(
    'linearizable',
  )
  // It may happen late, too: after the release that was called later.
  expect(typeOf(allocated(1, 'unknown', 0, 1), released(1, 2, 3), allocated(1, 5, 4, 5))).toBe('linearizable')
})

test('a release that nobody heard of may happen at any later time, or never', () => {
  const lost = released(1, 2, 3, 'unknown')
  expect(typeOf(allocated(1, 5, 0, 1), lost, allocated(1, 5, 4, 5))).toBe('linearizable')
  expect(typeOf(allocated(1, 5, 0, 1), lost, allocated(1, 5, 4, 5), allocated(2, 5, 6, 7))).toBe(
    'linearizable',
  )
  expect(typeOf(allocated(1, 5, 0, 1), lost, allocated(2, 5, 4, 5), allocated(1, 5, 6, 7))).toBe(
    'not-linearizable',
  )
})

test('who held an address before the history began holds it until it gives it back', () => {
  const initial = new Map([[macOf(1), addressOf(5)]])
  const check = (...history: PoolOperation[]) => checkLinearizable(history, { initial }).type
  expect(check(released(1, 0, 1), allocated(2, 5, 2, 3))).toBe('linearizable')
  expect(check(allocated(2, 5, 2, 3))).toBe('not-linearizable')
  expect(check(allocated(1, 6, 2, 3))).toBe('not-linearizable')
})

test('an address that is handed on before its holder was deleted is found among calls that were given up', () => {
  const initial = new Map([
    [macOf(1), addressOf(5)],
    [macOf(2), addressOf(6)],
  ])
  const handedOn = (toldAt: number) =>
    checkLinearizable(
      [
        ...[allocated(3, 'unknown', 0, 1.5), allocated(4, 'unknown', 0, 1.5), allocated(3, 5, 1.5, toldAt)],
        ...[released(2, 1, 2.5, 'unknown'), allocated(4, 6, 1.6, 4), released(2, 2.5, 5)],
        ...[released(1, 3, 4.5, 'unknown'), released(1, 4.5, 6), allocated(1, 7, 7, 8)],
      ],
      { initial },
    )
  expect(handedOn(3.5).type).toBe('linearizable')
  expect(handedOn(2.9).type).toBe('not-linearizable')
})

test('a search that would take too long says so', () => {
  const storm = Array.from({ length: 14 }, (_, machine) => [
    allocated(machine, 5, 0, 100),
    released(machine, 0, 100),
  ]).flat()
  const planted = [...storm, allocated(20, 5, 200, 201), allocated(21, 5, 202, 203)]
  expect(checkLinearizable(planted, { maximumSteps: 500 }).type).toBe('unknown')
})
