import { expect, test } from 'vitest'
import { FaultWindows } from '../../../simulations/faults/windows.ts'
import { Disturbances } from '../../../simulations/invariants/disturbances.ts'
import type { Fault } from '../../../simulations/plan/faults.ts'
import { Court, FIRST } from './packet-court.ts'

const PACKETS: Fault = {
  type: 'packets',
  at: 100_000,
  lasts: 10_000,
  network: 'lan',
  lost: 0,
  doubled: 0.5,
  corrupted: 0,
  delayed: 0,
  delayMs: 8_000,
}
const LIAR: Fault = { type: 'liar', at: 100_000, lasts: 10_000, network: 'lan', everyMs: 500 }

function at(now: number, faults: readonly Fault[], mutedAt?: number, isMuted = false): Disturbances {
  const windows = new FaultWindows(faults, () => now, 900_000)
  return new Disturbances({ faults, windows, mutedAt: () => mutedAt, isMuted: () => isMuted })
}

test.each([PACKETS, LIAR])('a fault of $type is forgiven while it lasts and a little longer', (fault) => {
  expect(at(99_999, [fault]).areIntact('lan')).toBe(true)
  expect(at(100_000, [fault]).areIntact('lan')).toBe(false)
  expect(at(112_000, [fault]).areIntact('lan')).toBe(false)
  expect(at(140_000, [fault]).areIntact('lan')).toBe(true)
})

test('a fault of another network is nothing to this one', () => {
  expect(at(105_000, [PACKETS]).areIntact('wan')).toBe(true)
})

test('the packets of a client pass since the last fault is over, and since its VM was moved', () => {
  const client = new Court().boot(FIRST)
  expect(at(50_000, [PACKETS]).undisturbedSince(client)).toBe(0)
  expect(at(105_000, [PACKETS]).undisturbedSince(client)).toBeUndefined()
  expect(at(200_000, [PACKETS]).undisturbedSince(client)).toBe(110_000)
  expect(at(200_000, [PACKETS], 150_000).undisturbedSince(client)).toBe(150_000)
})

test('whoever is cut off has no packets, however long ago that began', () => {
  const client = new Court().boot(FIRST)
  expect(at(500_000, [], 100_000, false).undisturbedSince(client)).toBe(100_000)
  expect(at(500_000, [], 100_000, true).undisturbedSince(client)).toBeUndefined()
})
