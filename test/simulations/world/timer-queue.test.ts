import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TimerQueue } from '../../../simulations/world/timer-queue.ts'

test('what is due first comes first, and of one time what was added first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
      const queue = new TimerQueue<number>()
      times.forEach((at, index) => {
        queue.add(at, index)
      })
      const expected = times
        .map((at, index) => ({ at, index }))
        .sort((a, b) => a.at - b.at || a.index - b.index)
        .map(({ index }) => index)

      expect(times.map(() => queue.take())).toEqual(expected)
      expect(queue.take()).toBeUndefined()
    }),
  )
})
