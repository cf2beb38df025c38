import { type Fields, isFields, sameJson, valueAt } from '../json.ts'
import { type StructuralSchema, schemaOfField } from '../schema/structural.ts'
import { MERGED_SETS, mergeKeyOf } from './merge-keys.ts'

/**
 * Which fields somebody set, in the FieldsV1 form of managedFields: `f:name` for a field, `k:{…}` for an
 * item of a list with keys, `v:…` for an item of a set; an empty tree is a leaf.
 */
export interface FieldSet {
  [element: string]: FieldSet
}

/** What the schema says of a value, as far as merging goes. Built-in kinds have a table instead of a schema. */
export interface Shape {
  schema: StructuralSchema | undefined
  field: string
  parent: string
  builtin: boolean
}

export function childShape(shape: Shape, field: string): Shape {
  const schema = shape.schema && schemaOfField(shape.schema, field)
  return { schema, field, parent: shape.field, builtin: shape.builtin }
}

export function itemShape(shape: Shape): Shape {
  return { ...shape, schema: shape.schema?.items }
}

export type ListKind = { type: 'atomic' } | { type: 'set' } | { type: 'map'; keys: readonly string[] }

export function listKind({ schema, field, parent, builtin }: Shape): ListKind {
  if (builtin || parent === 'metadata') {
    if (MERGED_SETS.includes(field)) return { type: 'set' }
    const key = mergeKeyOf(field, parent)
    return key === undefined ? { type: 'atomic' } : { type: 'map', keys: [key] }
  }
  const type = schema?.['x-kubernetes-list-type']
  if (type === 'map') return { type, keys: schema?.['x-kubernetes-list-map-keys'] ?? [] }
  return type === 'set' ? { type } : { type: 'atomic' }
}

export function isGranularMap(value: unknown, shape: Shape): value is Fields {
  return isFields(value) && shape.schema?.['x-kubernetes-map-type'] !== 'atomic'
}

export function itemKey(item: unknown, keys: readonly string[]): string {
  return `k:${JSON.stringify(Object.fromEntries([...keys].sort().map((key) => [key, valueAt(item, key)])))}`
}

export function fieldSetOf(value: unknown, shape: Shape): FieldSet {
  if (isGranularMap(value, shape)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [`f:${name}`, fieldSetOf(child, childShape(shape, name))]),
    )
  }
  if (!Array.isArray(value)) return {}
  const kind = listKind(shape)
  if (kind.type === 'atomic') return {}
  return Object.fromEntries(
    value.map((item) =>
      kind.type === 'set'
        ? [`v:${JSON.stringify(item)}`, {}]
        : [itemKey(item, kind.keys), { '.': {}, ...fieldSetOf(item, itemShape(shape)) }],
    ),
  )
}

export function isLeaf(set: FieldSet): boolean {
  return Object.keys(set).every((element) => element === '.')
}

/** The value that one element of a field set stands for. */
export function locate(value: unknown, element: string): unknown {
  if (element.startsWith('f:')) return valueAt(value, element.slice(2))
  const index = indexOf(value, element)
  return Array.isArray(value) && index >= 0 ? value[index] : undefined
}

/** `value` without what the element stands for. */
export function without(value: unknown, element: string): unknown {
  if (isFields(value)) {
    return Object.fromEntries(Object.entries(value).filter(([name]) => element !== `f:${name}`))
  }
  const index = indexOf(value, element)
  return Array.isArray(value) && index >= 0 ? value.toSpliced(index, 1) : value
}

/** `value` with another value where the element points. */
export function replacing(value: unknown, element: string, replacement: unknown): unknown {
  if (isFields(value)) return { ...value, [element.slice(2)]: replacement }
  const index = indexOf(value, element)
  return Array.isArray(value) && index >= 0 ? value.with(index, replacement) : value
}

function indexOf(value: unknown, element: string): number {
  if (!Array.isArray(value)) return -1
  const wanted: unknown = JSON.parse(element.slice(2))
  if (element.startsWith('v:')) return value.findIndex((item) => sameJson(item, wanted))
  const keys = isFields(wanted) ? Object.entries(wanted) : []
  return value.findIndex((item) => keys.every(([key, expected]) => sameJson(valueAt(item, key), expected)))
}
