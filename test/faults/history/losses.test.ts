import { expect, test } from 'vitest'
import { heard } from './builders.ts'
import { findLosses, tellLoss } from './losses.ts'

test('a machine that hears nothing but ACKs until it is gone has lost nothing', () => {
  expect(
    findLosses([heard('acked', 1, 5, 1, 10), heard('acked', 1, 5, 5, 10), heard('gone', 1, 5, 6)]),
  ).toEqual([])
})

test('a machine that was let down has lost its address, also when it gets the same one again', () => {
  const events = [
    ...[heard('acked', 1, 5, 1, 10), heard('nak', 1, 5, 4), heard('acked', 1, 5, 5, 10)],
    ...[heard('acked', 2, 6, 1, 10), heard('expired', 2, 6, 11), heard('acked', 2, 6, 12, 10)],
  ]
  expect(findLosses(events).map(tellLoss)).toEqual([
    '02:00:00:00:00:01 (vm-1) was told not to use 10.0.0.5 at 4.000 s',
    '02:00:00:00:00:02 (vm-2) was left without an answer and gave up 10.0.0.6 at 11.000 s',
  ])
})
