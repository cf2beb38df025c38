import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ddmin } from '../../../simulations/runner/ddmin.ts'

/** A subset fails when it holds all of these. */
const needing =
  (...needed: readonly number[]) =>
  (subset: readonly number[]) =>
    needed.every((item) => subset.includes(item))

function minimise(items: readonly number[], fails: (subset: readonly number[]) => boolean) {
  return ddmin(items, async (subsets) => {
    const found = subsets.findIndex(fails)
    return found === -1 ? undefined : found
  })
}

const HUNDRED = Array.from({ length: 100 }, (_, index) => index)

describe('delta debugging', () => {
  test('one culprit among many is found', async () => {
    expect(await minimise(HUNDRED, needing(42))).toEqual([42])
  })

  test('culprits that only together fail are kept, in order', async () => {
    expect(await minimise(HUNDRED, needing(99, 3, 50))).toEqual([3, 50, 99])
  })

  test('nothing is left of what fails by itself', async () => {
    expect(await minimise(HUNDRED, () => true)).toEqual([])
  })

  test('what never fails again is left as it was', async () => {
    expect(await minimise(HUNDRED, () => false)).toEqual(HUNDRED)
  })

  test('no item of the outcome can be taken away, whatever makes it fail', async () => {
    const culprits = fc.array(fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 3,
    })
    await fc.assert(
      fc.asyncProperty(culprits, async (alternatives) => {
        const items = HUNDRED.slice(0, 16)
        const fails = (subset: readonly number[]) => alternatives.some((needed) => needing(...needed)(subset))
        const left = await minimise(items, fails)
        expect(fails(left)).toBe(true)
        for (const item of left) expect(fails(left.filter((other) => other !== item))).toBe(false)
      }),
    )
  })
})
