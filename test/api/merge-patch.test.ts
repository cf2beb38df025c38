import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergePatchBetween } from '../../src/api/merge-patch.ts'
import { applyMergePatch } from '../support/merge-patch.ts'

test('equal objects need no patch', () => {
  expect(mergePatchBetween({ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 2 }] } })).toBeUndefined()
})

test('only what differs is in the patch, what goes is null, arrays are replaced whole', () => {
  const current = { kept: 1, gone: 2, deep: { same: 'x', other: 'y', gone: 'z' }, list: [1, 2] }
  const desired = { kept: 1, deep: { same: 'x', other: 'Y' }, list: [1, 3], added: { a: 1 } }

  expect(mergePatchBetween(current, desired)).toEqual({
    gone: null,
    deep: { other: 'Y', gone: null },
    list: [1, 3],
    added: { a: 1 },
  })
})

test('undefined means absent, on either side', () => {
  expect(mergePatchBetween({ a: undefined }, { a: undefined })).toBeUndefined()
  expect(mergePatchBetween({ a: 1 }, { a: undefined })).toEqual({ a: null })
})

test('applied as RFC 7386 says, the patch makes the one into the other', () => {
  // Without nulls, which a merge patch cannot write.
  const { object } = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 4 }),
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.integer(),
      fc.string(),
      fc.boolean(),
      fc.array(fc.integer(), { maxLength: 3 }),
      tie('object'),
    ),
  }))
  fc.assert(
    fc.property(object, object, (current, desired) => {
      const patch = mergePatchBetween(current, desired)

      expect(patch === undefined ? current : applyMergePatch(current, patch)).toEqual(desired)
    }),
  )
})
