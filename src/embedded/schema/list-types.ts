import { isFields } from '../json.ts'
import type { StatusCause } from '../status.ts'
import { duplicateValue } from './causes.ts'
import { type StructuralSchema, schemaOfField } from './structural.ts'

/** What a list of type `set` or `map` holds twice (apiextensions-apiserver, pkg/apiserver/schema/listtype). */
export function duplicatesIn(schema: StructuralSchema, value: unknown, path = ''): StatusCause[] {
  if (isFields(value)) {
    return Object.entries(value).flatMap(([name, field]) => {
      const fieldSchema = schemaOfField(schema, name)
      return fieldSchema === undefined
        ? []
        : duplicatesIn(fieldSchema, field, path === '' ? name : `${path}.${name}`)
    })
  }
  if (!Array.isArray(value)) return []
  const { items } = schema
  const inItems = items ? value.flatMap((item, index) => duplicatesIn(items, item, `${path}[${index}]`)) : []
  return [...repeated(schema, value, path), ...inItems]
}

function repeated(schema: StructuralSchema, list: readonly unknown[], path: string): StatusCause[] {
  const type = schema['x-kubernetes-list-type']
  if (type !== 'set' && type !== 'map') return []
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const identityOf = (item: unknown) => (type === 'set' ? item : keysOf(schema, keys, item))
  const counts = new Map<string, number>()
  return list.flatMap((item, index) => {
    const identity = identityOf(item)
    const text = JSON.stringify(identity)
    counts.set(text, (counts.get(text) ?? 0) + 1)
    // The third and later ones are not told again.
    return counts.get(text) === 2 ? [duplicateValue(`${path}[${index}]`, identity)] : []
  })
}

function keysOf(schema: StructuralSchema, keys: readonly string[], item: unknown): Record<string, unknown> {
  const fields = isFields(item) ? item : {}
  const ofKey = (key: string) => fields[key] ?? schema.items?.properties?.[key]?.default
  return Object.fromEntries(keys.map((key) => [key, ofKey(key)]).filter(([, value]) => value !== undefined))
}
