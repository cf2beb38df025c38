import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import { kubeObjectSchema } from '../../src/api/object.ts'
import { toInstant } from '../../src/api/values/time.ts'
import { applyConfiguration } from '../../src/embedded/patch/apply.ts'
import { resourcesOf } from '../../src/embedded/resources/custom.ts'
import type { ServedResource } from '../../src/embedded/resources/served-resource.ts'
import { ApiError } from '../../src/embedded/status.ts'

const GADGETS: ServedResource = (() => {
  const [resource] = resourcesOf({
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'gadgets', kind: 'Gadget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  size: { type: 'integer' },
                  colour: { type: 'string' },
                  plain: { type: 'array', items: { type: 'string' } },
                  tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
                  parts: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      properties: { name: { type: 'string' }, count: { type: 'integer' } },
                    },
                  },
                  whole: {
                    type: 'object',
                    additionalProperties: { type: 'string' },
                    'x-kubernetes-map-type': 'atomic',
                  },
                },
              },
            },
          },
        },
      },
    ],
  })
  if (!resource) throw new Error('no resource')
  return resource
})()

function apply(
  current: KubeObject | undefined,
  fieldManager: string,
  spec: Record<string, unknown>,
  force = false,
): KubeObject {
  const configuration = { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'g' }, spec }
  const options = { fieldManager, force, now: toInstant(0) }
  return kubeObjectSchema.parse(applyConfiguration(GADGETS, current, configuration, options))
}

function conflictsOf(request: () => unknown): unknown {
  try {
    request()
  } catch (error) {
    if (error instanceof ApiError)
      return Object(error.details).causes.map((cause: { field: string }) => cause.field)
    throw error
  }
  return []
}

describe('server-side apply', () => {
  test('what a manager leaves out of its next configuration goes', () => {
    const first = apply(undefined, 'one', { size: 1, colour: 'red', parts: [{ name: 'a' }, { name: 'b' }] })
    expect(apply(first, 'one', { size: 1, parts: [{ name: 'b' }] }).spec).toEqual({
      size: 1,
      parts: [{ name: 'b' }],
    })
  })

  test('what another applier has too stays', () => {
    const both = apply(apply(undefined, 'one', { size: 1, colour: 'red' }), 'two', { colour: 'red' })
    expect(apply(both, 'one', { size: 1 }).spec).toEqual({ size: 1, colour: 'red' })
    expect(apply(apply(both, 'one', { size: 1 }), 'two', {}).spec).toEqual({ size: 1 })
  })

  test('a field that nobody applied is taken over and then belongs to the applier', () => {
    const found: KubeObject = { metadata: { name: 'g' }, spec: { size: 1, colour: 'red' } }
    const applied = apply(found, 'one', { size: 2 })
    expect(applied.spec).toEqual({ size: 2, colour: 'red' })
    expect(apply(applied, 'one', {}).spec).toEqual({ colour: 'red' })
  })

  test('what somebody else put beside it stays', () => {
    const first = apply(undefined, 'one', { parts: [{ name: 'a' }], size: 1 })
    const touched = { ...first, spec: { ...Object(first.spec), colour: 'red' } }
    expect(apply(touched, 'one', {}).spec).toEqual({ colour: 'red' })
  })

  test("another applier's field is a conflict only for another value", () => {
    const first = apply(undefined, 'one', { size: 1, parts: [{ name: 'a', count: 1 }] })
    expect(conflictsOf(() => apply(first, 'two', { size: 1 }))).toEqual([])
    expect(conflictsOf(() => apply(first, 'two', { size: 2, parts: [{ name: 'a', count: 2 }] }))).toEqual([
      '.spec.size',
      '.spec.parts[name="a"].count',
    ])
  })

  test('force takes the field away from the other', () => {
    const forced = apply(apply(undefined, 'one', { size: 1 }), 'two', { size: 2 }, true)
    expect(forced.spec).toEqual({ size: 2 })
    expect(conflictsOf(() => apply(forced, 'one', { size: 1 }))).toEqual(['.spec.size'])
  })

  test('lists merge by their key, sets by their values, and others not at all', () => {
    const first = apply(undefined, 'one', { parts: [{ name: 'a', count: 1 }], tags: ['x'], plain: ['p'] })
    const second = apply(first, 'two', { parts: [{ name: 'b', count: 2 }], tags: ['y'] })
    expect(second.spec).toEqual({
      parts: [
        { name: 'a', count: 1 },
        { name: 'b', count: 2 },
      ],
      tags: ['x', 'y'],
      plain: ['p'],
    })
    expect(conflictsOf(() => apply(second, 'two', { plain: ['q'] }))).toEqual(['.spec.plain'])
  })

  test('an atomic map has one owner, and one entry in managedFields however large it is', () => {
    const whole = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 'v']))
    const applied = apply(undefined, 'one', { whole })
    expect(applied.metadata.managedFields).toMatchObject([{ fieldsV1: { 'f:spec': { 'f:whole': {} } } }])
    expect(apply(applied, 'one', { whole: { k: 'v' } }).spec).toEqual({ whole: { k: 'v' } })
  })

  test('a manager must have a name, and may not send managedFields', () => {
    expect(() => apply(undefined, '', {})).toThrow(
      'fieldManager: Required value: is required for apply patch',
    )
    const configuration = { metadata: { name: 'g', managedFields: [{}] } }
    const options = { fieldManager: 'one', force: false, now: toInstant(0) }
    expect(() => applyConfiguration(GADGETS, undefined, configuration, options)).toThrow(
      'metadata.managedFields must be nil',
    )
  })
})
