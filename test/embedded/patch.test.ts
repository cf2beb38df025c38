import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyJsonPatch } from '../../src/embedded/patch/json-patch.ts'
import { applyMergePatch } from '../../src/embedded/patch/merge-patch.ts'
import { applyStrategicMergePatch } from '../../src/embedded/patch/strategic-merge-patch.ts'
import { ApiError } from '../../src/embedded/status.ts'

describe('merge patch', () => {
  // RFC 7386, appendix A.
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, expected) => {
    expect(applyMergePatch(target, patch)).toEqual(expected)
  })

  test('does not take a key for the prototype', () => {
    const patched = applyMergePatch({ a: 1 }, JSON.parse('{"__proto__":{"b":2},"c":{"__proto__":{"d":3}}}'))

    expect(patched).toEqual({ a: 1, c: {} })
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype)
  })

  test('leaves what it is given as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const before = structuredClone({ target, patch })
        applyMergePatch(target, patch)
        expect({ target, patch }).toEqual(before)
      }),
    )
  })
})

describe('JSON patch', () => {
  test('may point to the root', () => {
    expect(applyJsonPatch({ a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }])).toEqual({ b: 2 })
  })

  test('moves and copies', () => {
    const patch = [
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'move', from: '/a', path: '/list/-' },
    ]
    expect(applyJsonPatch({ a: 1, list: [0] }, patch)).toEqual({ b: 1, list: [0, 1] })
  })

  test('does not reach into what every object inherits', () => {
    const pollutions = [
      [{ op: 'add', path: '/toString/call', value: 1 }],
      [{ op: 'add', path: '/__proto__/polluted', value: 1 }],
      [{ op: 'add', path: '/constructor/prototype/polluted', value: 1 }],
      [{ op: 'copy', from: '/constructor', path: '/a' }],
    ]
    for (const patch of pollutions) {
      try {
        applyJsonPatch({ a: {} }, patch)
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError)
      }
    }
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(typeof Object.prototype.toString.call).toBe('function')
  })

  test.each([
    ['that is no list', { op: 'add' }, 400],
    ['with an unknown operation', [{ op: 'increment', path: '/a' }], 400],
    ['with a path that is no pointer', [{ op: 'remove', path: 'a' }], 400],
    ['that removes what is not there', [{ op: 'remove', path: '/b' }], 422],
    [
      'whose test fails on an object with a toString of its own',
      [
        { op: 'add', path: '/toString', value: [] },
        { op: 'test', path: '', value: {} },
      ],
      422,
    ],
    ['whose test fails', [{ op: 'test', path: '/a', value: 2 }], 422],
    ['that doubles the document again and again', Array(200).fill({ op: 'copy', from: '', path: '/x' }), 413],
    [
      'that doubles the document into ever new fields',
      Array.from({ length: 60 }, (_, nth) => ({ op: 'copy', from: '', path: `/x${nth}` })),
      413,
    ],
    ['with far too many operations', Array(10_001).fill({ op: 'test', path: '/a', value: 1 }), 413],
  ])('one %s is refused', (_, patch, code) => {
    expect(() => applyJsonPatch({ a: 1 }, patch)).toThrow(expect.objectContaining({ code }))
  })

  test('a test of long lists is answered at once', () => {
    const list = Array.from({ length: 100_000 }, (_, nth) => nth)
    const patch = [{ op: 'test', path: '/list', value: list.toReversed() }]

    expect(() => applyJsonPatch({ list }, patch)).toThrow(expect.objectContaining({ code: 422 }))
    expect(applyJsonPatch({ list }, [{ op: 'test', path: '/list', value: list }])).toEqual({ list })
  })

  test('whatever it holds, the answer is a document or a refusal', () => {
    const pointer = fc
      .array(fc.constantFrom('a', 'b', '0', '-', 'toString', '__proto__', ''))
      .map((tokens) => tokens.map((token) => `/${token}`).join(''))
    const operation = fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
      path: pointer,
      from: pointer,
      value: fc.jsonValue(),
    })
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(operation, { maxLength: 6 }), (target, patch) => {
        try {
          applyJsonPatch(target, patch)
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('strategic merge patch', () => {
  const containers = [
    { name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] },
    { name: 'b', image: 'b:1' },
  ]
  const patched = (patch: Record<string, unknown>, target: unknown = { containers }) =>
    applyStrategicMergePatch(target, patch)

  test('merges the items of a list by their key', () => {
    expect(patched({ containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }, { name: 'c' }] })).toEqual(
      {
        containers: [
          {
            name: 'a',
            image: 'a:1',
            env: [
              { name: 'X', value: '1' },
              { name: 'Y', value: '2' },
            ],
          },
          { name: 'b', image: 'b:1' },
          { name: 'c' },
        ],
      },
    )
  })

  test('deletes an item, replaces a list, and replaces a map on request', () => {
    expect(patched({ containers: [{ $patch: 'delete', name: 'a' }] })).toEqual({
      containers: [containers[1]],
    })
    expect(patched({ containers: [{ $patch: 'replace' }, { name: 'z' }] })).toEqual({
      containers: [{ name: 'z' }],
    })
    expect(patched({ m: { $patch: 'replace', b: 1 } }, { m: { a: 1 } })).toEqual({ m: { b: 1 } })
    expect(patched({ m: { $patch: 'delete' } }, { m: { a: 1 } })).toEqual({})
  })

  test('keeps only the keys that $retainKeys names', () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } }
    expect(patched({ strategy: { $retainKeys: ['type'], type: 'Recreate' } }, { strategy })).toEqual({
      strategy: { type: 'Recreate' },
    })
  })

  test('orders items as $setElementOrder says', () => {
    const result = patched({
      '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }],
      containers: [{ name: 'b', image: 'b:2' }],
    })
    expect(result).toMatchObject({ containers: [{ name: 'b', image: 'b:2' }, { name: 'a' }] })
  })

  test('adds to finalizers and takes from them', () => {
    const target = { metadata: { finalizers: ['a', 'b'] } }
    expect(patched({ metadata: { finalizers: ['c'] } }, target)).toEqual({
      metadata: { finalizers: ['a', 'b', 'c'] },
    })
    expect(patched({ metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }, target)).toEqual({
      metadata: { finalizers: ['b'] },
    })
  })
})
