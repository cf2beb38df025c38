import { isFields } from '../json.ts'
import { type StructuralSchema, schemaOfField } from './structural.ts'

/** Fields that every object has and that its schema need not name. */
const TYPE_AND_META = ['apiVersion', 'kind', 'metadata']

/**
 * Drops, in place, what the schema does not name, as the API server does before it stores an object.
 * @returns the paths of what was dropped, e.g. `spec.foo` or `spec.list[0].bar`
 */
export function prune(value: unknown, schema: StructuralSchema): string[] {
  const dropped: string[] = []
  walk(value, schema, '', true, dropped)
  return dropped
}

function walk(
  value: unknown,
  schema: StructuralSchema,
  path: string,
  isResource: boolean,
  dropped: string[],
): void {
  if (Array.isArray(value)) {
    if (!schema.items) return
    for (const [index, item] of value.entries()) walk(item, schema.items, `${path}[${index}]`, false, dropped)
    return
  }
  if (!isFields(value)) return
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  for (const name of Object.keys(value)) {
    if ((isResource || embedded) && TYPE_AND_META.includes(name)) continue
    const fieldPath = path === '' ? name : `${path}.${name}`
    const field = schemaOfField(schema, name)
    if (field) {
      walk(value[name], field, fieldPath, false, dropped)
    } else if (schema['x-kubernetes-preserve-unknown-fields'] !== true) {
      delete value[name]
      dropped.push(fieldPath)
    }
  }
}
