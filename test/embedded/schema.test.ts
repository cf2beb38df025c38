import { describe, expect, test } from 'vitest'
import { applyDefaults } from '../../src/embedded/schema/defaults.ts'
import { prune } from '../../src/embedded/schema/prune.ts'
import type { StructuralSchema } from '../../src/embedded/schema/structural.ts'
import { compileValidator, InvalidSchemaError } from '../../src/embedded/schema/validator.ts'

const object = (
  properties: Record<string, StructuralSchema>,
  more: StructuralSchema = {},
): StructuralSchema => ({
  type: 'object',
  properties,
  ...more,
})

/** `field: message` for each cause, as the API server prints it. */
function complaints(schema: StructuralSchema, value: unknown): string[] {
  return compileValidator(object({ spec: schema }))({ spec: value }).map(
    ({ field, message }) => `${field}: ${message}`,
  )
}

describe('pruning', () => {
  test('drops what the schema does not name, with its path', () => {
    const value = {
      apiVersion: 'v1',
      kind: 'K',
      metadata: { name: 'a' },
      spec: { a: 1, b: 2, list: [{ c: 3, d: 4 }] },
    }
    const schema = object({
      spec: object({
        a: { type: 'integer' },
        list: { type: 'array', items: object({ c: { type: 'integer' } }) },
      }),
    })
    expect(prune(value, schema)).toEqual(['spec.b', 'spec.list[0].d'])
    expect(value.spec).toEqual({ a: 1, list: [{ c: 3 }] })
  })

  test('keeps all below x-kubernetes-preserve-unknown-fields, and the values of a free map', () => {
    const value = { open: { x: { y: 1 } }, map: { any: 'thing' }, apiVersion: 'v1' }
    const schema = object({
      open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      map: { type: 'object', additionalProperties: { type: 'string' } },
    })
    expect(prune(value, schema)).toEqual([])
  })

  test('goes on pruning known fields inside a part that keeps unknown ones', () => {
    const value = { open: { known: { x: 1 }, other: { y: 1 } } }
    const schema = object({
      open: object({ known: object({}) }, { 'x-kubernetes-preserve-unknown-fields': true }),
    })
    expect(prune(value, schema)).toEqual(['open.known.x'])
    expect(value).toEqual({ open: { known: {}, other: { y: 1 } } })
  })

  test('a field named as something that every JavaScript object has is unknown all the same', () => {
    const value = { spec: { toString: 1, constructor: 2, hasOwnProperty: 3 } }
    expect(prune(value, object({ spec: object({}) }))).toEqual([
      'spec.toString',
      'spec.constructor',
      'spec.hasOwnProperty',
    ])
  })
})

describe('defaults', () => {
  const schema = object({
    spec: object({
      replicas: { type: 'integer', default: 3 },
      nested: object({ mode: { type: 'string', default: 'x' } }),
      list: { type: 'array', items: object({ on: { type: 'boolean', default: true } }) },
      maybe: { type: 'string', nullable: true, default: 'y' },
    }),
  })

  test('are filled in where a value is missing and its parent is there', () => {
    const value = { spec: { list: [{}, { on: false }] } }
    applyDefaults(value, schema)
    expect(value).toEqual({ spec: { replicas: 3, maybe: 'y', list: [{ on: true }, { on: false }] } })
  })

  test('take the place of a null that is not allowed', () => {
    const value = { spec: { replicas: null, nested: null, maybe: null } }
    applyDefaults(value, schema)
    expect(value).toEqual({ spec: { replicas: 3, maybe: null } })
  })

  test('are not shared between objects', () => {
    const withList = object({ items: { type: 'array', default: [] } })
    const [one, two]: { items?: unknown[] }[] = [{}, {}]
    for (const value of [one, two]) applyDefaults(value, withList)
    one?.items?.push('x')
    expect(two?.items).toEqual([])
  })
})

describe('validation speaks like a kube-apiserver', () => {
  const cases: [what: string, schema: StructuralSchema, value: unknown, complaint: string][] = [
    ['a missing field', object({ a: {} }, { required: ['a'] }), {}, 'spec.a: Required value'],
    [
      'a wrong type',
      { type: 'integer' },
      'x',
      'spec: Invalid value: "string": spec in body must be of type integer: "string"',
    ],
    [
      'a null',
      { type: 'string' },
      null,
      'spec: Invalid value: "null": spec in body must be of type string: "null"',
    ],
    [
      'too small',
      { type: 'integer', minimum: 1 },
      0,
      'spec: Invalid value: 0: spec in body should be greater than or equal to 1',
    ],
    [
      'too large',
      { type: 'integer', maximum: 1 },
      2,
      'spec: Invalid value: 2: spec in body should be less than or equal to 1',
    ],
    [
      'an exclusive bound',
      { type: 'integer', minimum: 1, exclusiveMinimum: true },
      1,
      'spec: Invalid value: 1: spec in body should be greater than 1',
    ],
    [
      'a pattern',
      { type: 'string', pattern: '^a+$' },
      'b',
      `spec: Invalid value: "b": spec in body should match '^a+$'`,
    ],
    [
      'a format',
      { type: 'string', format: 'ipv4' },
      '1.2.3',
      'spec: Invalid value: "1.2.3": spec in body must be of type ipv4: "1.2.3"',
    ],
    [
      'a date',
      { type: 'string', format: 'date-time' },
      'today',
      'spec: Invalid value: "today": spec in body must be of type date-time: "today"',
    ],
    [
      'too short',
      { type: 'string', minLength: 2 },
      'a',
      'spec: Invalid value: "a": spec in body should be at least 2 chars long',
    ],
    ['too long', { type: 'string', maxLength: 1 }, 'ab', 'spec: Too long: may not be more than 1 bytes'],
    ['too many', { type: 'array', maxItems: 1 }, [1, 2], 'spec: Too many: 2: must have at most 1 item'],
    [
      'none of an enum',
      { type: 'string', enum: ['a', 'b'] },
      'c',
      'spec: Unsupported value: "c": supported values: "a", "b"',
    ],
    [
      'an item of a list',
      { type: 'array', items: object({ n: { type: 'integer' } }) },
      [{ n: 1 }, { n: 'x' }],
      'spec[1].n: Invalid value: "string": spec[1].n in body must be of type integer: "string"',
    ],
    [
      'int64',
      { type: 'integer', format: 'int32' },
      2 ** 31,
      'spec: Invalid value: 2147483648: spec in body must be of type int32: 2147483648',
    ],
  ]
  test.each(cases)('%s', (_, schema, value, complaint) => {
    expect(complaints(schema, value)).toEqual([complaint])
  })

  test('int-or-string takes both and nothing else', () => {
    const schema: StructuralSchema = { 'x-kubernetes-int-or-string': true }
    expect([1, '50%'].map((value) => complaints(schema, value))).toEqual([[], []])
    expect(complaints(schema, true)).toHaveLength(1)
  })

  test('nullable takes null', () => {
    expect(complaints({ type: 'string', nullable: true }, null)).toEqual([])
  })

  test('anyOf is one complaint, whatever its branches say', () => {
    const schema: StructuralSchema = { type: 'object', anyOf: [{ required: ['a'] }, { required: ['b'] }] }
    expect(complaints(schema, {})).toHaveLength(1)
    expect(complaints(schema, { a: 1 })).toEqual([])
  })

  test('a schema that cannot be compiled is an error of its own', () => {
    expect(() => compileValidator({ type: 'string', pattern: '(' })).toThrow(InvalidSchemaError)
  })
})
