import { expect, test } from 'vitest'
import { heard } from './builders.ts'
import { findMoves, tellMove } from './moves.ts'

test('a MAC that is acknowledged the same address again and again has not moved', () => {
  expect(
    findMoves([heard('acked', 1, 5, 1, 10), heard('expired', 1, 5, 11), heard('acked', 1, 5, 12, 10)]),
  ).toEqual([])
})

test('a MAC that is acknowledged another address was moved, also when it was told with a NAK', () => {
  const moves = findMoves([heard('acked', 1, 5, 1, 10), heard('nak', 1, 5, 4), heard('acked', 1, 6, 5, 10)])
  expect(moves.map(tellMove)).toEqual([
    '02:00:00:00:00:01 (vm-1) was moved from 10.0.0.5 to 10.0.0.6 at 5.000 s',
  ])
})

test('a machine that is gone may come back with another address', () => {
  expect(
    findMoves([heard('acked', 1, 5, 1, 10), heard('gone', 1, 5, 4), heard('acked', 1, 6, 5, 10)]),
  ).toEqual([])
})
