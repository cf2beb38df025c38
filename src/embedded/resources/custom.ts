import * as z from 'zod'
import { parseInstant, toInstant } from '../../api/values/time.ts'
import { ANYTHING, type StructuralSchema, structuralSchemaSchema } from '../schema/structural.ts'
import { compileValidator } from '../schema/validator.ts'
import { formatAge } from '../table/age.ts'
import { compileJsonPath } from '../table/json-path.ts'
import { AGE } from './builtin-columns.ts'
import { compareVersions } from './registry.ts'
import { ALL_VERBS, type Column, type ServedResource } from './served-resource.ts'

const printerColumnSchema = z.object({
  name: z.string().min(1),
  type: z.enum(['integer', 'number', 'string', 'boolean', 'date']),
  format: z.string().optional(),
  description: z.string().optional(),
  priority: z.int().optional(),
  jsonPath: z.string().min(1),
})

const NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/

/** What of a CustomResourceDefinition decides how its kind is served. */
export const definitionSpecSchema = z.object({
  group: z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/),
  scope: z.enum(['Namespaced', 'Cluster']),
  names: z.object({
    plural: z.string().regex(NAME),
    singular: z.string().regex(NAME).optional(),
    kind: z.string().regex(/^[A-Za-z][-A-Za-z0-9]*$/),
    listKind: z.string().optional(),
    shortNames: z.array(z.string().regex(NAME)).optional(),
    categories: z.array(z.string()).optional(),
  }),
  versions: z
    .array(
      z.object({
        name: z.string().regex(NAME),
        served: z.boolean(),
        storage: z.boolean(),
        schema: z.object({ openAPIV3Schema: structuralSchemaSchema }),
        subresources: z.object({ status: z.object({}).optional() }).optional(),
        additionalPrinterColumns: z.array(printerColumnSchema).optional(),
      }),
    )
    .min(1),
})

export type DefinitionSpec = z.infer<typeof definitionSpecSchema>

/**
 * The resources that a CustomResourceDefinition makes.
 * @throws InvalidSchemaError, JsonPathError
 */
export function resourcesOf(spec: DefinitionSpec): ServedResource[] {
  const { group, names, scope } = spec
  const served = spec.versions.filter((version) => version.served)
  return served
    .sort((a, b) => compareVersions(a.name, b.name))
    .map((version) => ({
      group,
      version: version.name,
      plural: names.plural,
      kind: names.kind,
      namespaced: scope === 'Namespaced',
      singular: names.singular ?? names.kind.toLowerCase(),
      listKind: names.listKind ?? `${names.kind}List`,
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      verbs: ALL_VERBS,
      storageKey: `${group}/${names.plural}`,
      statusSubresource: version.subresources?.status !== undefined,
      tracksGeneration: true,
      allowsUnconditionalUpdate: false,
      custom: true,
      schema: withoutMeta(version.schema.openAPIV3Schema),
      validate: compileValidator(withoutMeta(version.schema.openAPIV3Schema)),
      columns: version.additionalPrinterColumns?.map(toColumn) ?? [AGE],
    }))
}

/** apiVersion, kind and metadata have rules of their own; a schema may only restate them. */
function withoutMeta(schema: StructuralSchema): StructuralSchema {
  const { apiVersion, kind, metadata, ...properties } = schema.properties ?? {}
  return { ...schema, properties: { apiVersion: ANY, kind: ANY, metadata: ANYTHING, ...properties } }
}

const ANY: StructuralSchema = { 'x-kubernetes-preserve-unknown-fields': true }

/** The first value that the path finds, as the API server's own convertor takes it. */
function toColumn(column: z.infer<typeof printerColumnSchema>): Column {
  const path = compileJsonPath(column.jsonPath)
  const value: Column['value'] = (object, now) => {
    const found = path(object)[0]
    if (found === undefined || found === null) return null
    switch (column.type) {
      case 'integer':
        return typeof found === 'number' ? Math.trunc(found) : null
      case 'number':
        return typeof found === 'number' ? found : null
      case 'boolean':
        return typeof found === 'boolean' ? found : null
      case 'date':
        return ageOf(found, now)
      default:
        return typeof found === 'string' ? found : JSON.stringify(found)
    }
  }
  return {
    name: column.name,
    type: column.type === 'date' ? 'date' : column.type,
    ...(column.format ? { format: column.format } : {}),
    description:
      column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
    value,
  }
}

function ageOf(timestamp: unknown, now: number): string {
  if (typeof timestamp !== 'string' || Number.isNaN(Date.parse(timestamp))) return '<unknown>'
  return formatAge(parseInstant(timestamp), toInstant(now))
}
