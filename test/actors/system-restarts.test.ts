import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_RESTART_POLICY, restartDelay } from '../../actors/supervisor.ts'

const chance = (value: number) => ({ next: () => value, uuid: () => '' })

test('the wait before a restart doubles with each crash, up to a limit', () => {
  const waits = [1, 2, 3, 10, 1000].map((crashes) =>
    restartDelay(DEFAULT_RESTART_POLICY, crashes, chance(0.999999)),
  )
  expect(waits).toEqual([100, 200, 400, 30_000, 30_000])
})

test('peers that crash together do not come back together: half of the wait is chance', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (crashes, roll) => {
        const wait = restartDelay(DEFAULT_RESTART_POLICY, crashes, chance(roll))
        const longest = restartDelay(DEFAULT_RESTART_POLICY, crashes, chance(0.999999))
        expect(wait).toBeGreaterThanOrEqual(longest / 2)
        expect(wait).toBeLessThanOrEqual(longest)
      },
    ),
  )
})
