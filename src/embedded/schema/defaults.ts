import { clone, isFields } from '../json.ts'
import { type StructuralSchema, schemaOfField } from './structural.ts'

/**
 * Removes, in place, a null where the schema does not allow one, then fills in defaults
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable).
 */
export function applyDefaults(value: unknown, schema: StructuralSchema): void {
  if (Array.isArray(value)) {
    const { items } = schema
    if (items) for (const item of value) applyDefaults(item, items)
    return
  }
  if (!isFields(value)) return
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (field.default === undefined) continue
    const missing = !Object.hasOwn(value, name) || (value[name] === null && field.nullable !== true)
    if (missing) value[name] = clone(field.default)
  }
  for (const name of Object.keys(value)) {
    const item = value[name]
    if (typeof item !== 'object') continue
    const field = schemaOfField(schema, name)
    if (!field) continue
    if (item !== null) applyDefaults(item, field)
    else if (field.nullable !== true && isTyped(field)) delete value[name]
  }
}

function isTyped(schema: StructuralSchema): boolean {
  return schema.type !== undefined || schema['x-kubernetes-int-or-string'] === true
}
