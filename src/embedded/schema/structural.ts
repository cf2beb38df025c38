import * as z from 'zod'

/**
 * A structural schema: the part of OpenAPI v3 that CustomResourceDefinitions may use
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 */
export interface StructuralSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | undefined
  description?: string | undefined
  nullable?: boolean | undefined
  default?: unknown
  properties?: Record<string, StructuralSchema> | undefined
  additionalProperties?: boolean | StructuralSchema | undefined
  items?: StructuralSchema | undefined
  required?: string[] | undefined
  'x-kubernetes-preserve-unknown-fields'?: boolean | undefined
  'x-kubernetes-int-or-string'?: boolean | undefined
  'x-kubernetes-embedded-resource'?: boolean | undefined
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map' | undefined
  'x-kubernetes-list-map-keys'?: string[] | undefined
  'x-kubernetes-map-type'?: 'atomic' | 'granular' | undefined
  /** Value checks (minimum, pattern, enum, oneOf…) that only validation looks at. */
  [keyword: string]: unknown
}

export const structuralSchemaSchema: z.ZodType<StructuralSchema> = z.lazy(() =>
  z.looseObject({
    type: z.enum(['object', 'array', 'string', 'integer', 'number', 'boolean']).optional(),
    description: z.string().optional(),
    nullable: z.boolean().optional(),
    properties: z.record(z.string(), structuralSchemaSchema).optional(),
    additionalProperties: z.union([z.boolean(), structuralSchemaSchema]).optional(),
    items: structuralSchemaSchema.optional(),
    required: z.array(z.string()).optional(),
    'x-kubernetes-preserve-unknown-fields': z.boolean().optional(),
    'x-kubernetes-int-or-string': z.boolean().optional(),
    'x-kubernetes-embedded-resource': z.boolean().optional(),
    'x-kubernetes-list-type': z.enum(['atomic', 'set', 'map']).optional(),
    'x-kubernetes-list-map-keys': z.array(z.string()).optional(),
    'x-kubernetes-map-type': z.enum(['atomic', 'granular']).optional(),
  }),
)

/** For kinds whose fields are not described: everything is kept. */
export const ANYTHING: StructuralSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** The schema of a named field, undefined when the schema does not know the field. */
export function schemaOfField(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  if (schema.properties && Object.hasOwn(schema.properties, name)) return schema.properties[name]
  if (typeof schema.additionalProperties === 'object') return schema.additionalProperties
  if (schema.additionalProperties === true) return ANYTHING
  return undefined
}
