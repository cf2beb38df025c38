import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { isFields } from '../json.ts'
import type { StatusCause } from '../status.ts'
import { causeOf } from './causes.ts'
import { duplicatesIn } from './list-types.ts'
import { isUnchanged } from './ratcheting.ts'
import { blocksRules, hasRules, RULES_NOT_CHECKED } from './rules.ts'
import type { StructuralSchema } from './structural.ts'

export class InvalidSchemaError extends Error {
  override readonly name = 'InvalidSchemaError'
}

/** @param old the state before: what did not change in it is not held against an update */
export type Validator = (object: unknown, old?: unknown) => StatusCause[]

/** More than anybody reads; a huge bad object must not make a huge answer. */
const MAX_CAUSES = 50

/** Compiling takes longer than anything else at start; the same few definitions come again and again. */
const MAX_REMEMBERED = 100
const remembered = new Map<string, ValidateFunction>()

/**
 * Compiles a structural schema into a check that speaks like a kube-apiserver.
 * CEL rules (`x-kubernetes-validations`) are not evaluated; a refusal for other reasons says so, as it does there.
 * @throws InvalidSchemaError
 */
export function compileValidator(schema: StructuralSchema): Validator {
  const jsonSchema = toJsonSchema(schema)
  const text = JSON.stringify(jsonSchema)
  const check = remembered.get(text) ?? compile(jsonSchema)
  remembered.set(text, check)
  const [oldest] = remembered.keys()
  if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
  const rules = hasRules(schema)
  return (object, old) => {
    const errors = check(object) ? [] : withoutEchoes(check.errors ?? [])
    const broken = errors.filter(({ instancePath }) => !isUnchanged(instancePath, object, old)).map(causeOf)
    const hadDuplicates = old !== undefined && duplicatesIn(schema, old).length > 0
    const duplicates = hadDuplicates ? [] : duplicatesIn(schema, object)
    const causes = [...broken, ...duplicates].slice(0, MAX_CAUSES)
    return rules && causes.some(blocksRules) ? [...causes, RULES_NOT_CHECKED] : causes
  }
}

/** What Go's net.ParseMAC reads: 6, 8 or 20 bytes, in the three usual spellings. */
const MAC =
  /^[0-9a-f]{2}(?:(:[0-9a-f]{2}){5}|(:[0-9a-f]{2}){7}|(:[0-9a-f]{2}){19}|(-[0-9a-f]{2}){5}|(-[0-9a-f]{2}){7}|(-[0-9a-f]{2}){19}|[0-9a-f]{2}(?:(\.[0-9a-f]{4}){2}|(\.[0-9a-f]{4}){3}|(\.[0-9a-f]{4}){9}))$/i
/** Go's, as `1h30m`, not ISO 8601's. */
const DURATION = /^[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/

function compile(jsonSchema: Record<string, unknown>): ValidateFunction {
  try {
    const ajv = new Ajv({
      allErrors: true,
      verbose: true,
      strict: false,
      logger: false,
      unicodeRegExp: false,
    })
    addFormats.default(ajv)
    ajv.addFormat('cidr', /^([0-9]{1,3}\.){3}[0-9]{1,3}\/[0-9]{1,2}$|^[0-9a-fA-F:.]+\/[0-9]{1,3}$/)
    ajv.addFormat('mac', MAC)
    ajv.addFormat('duration', DURATION)
    return ajv.compile(jsonSchema)
  } catch (cause) {
    throw new InvalidSchemaError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** ajv reports a failing `anyOf` and also each branch that failed: the API server reports the first only. */
function withoutEchoes(errors: ErrorObject[]): ErrorObject[] {
  return errors.filter(({ schemaPath }) => !/\/(anyOf|oneOf|allOf|not)\/\d+\//.test(schemaPath))
}

const KEPT_AS_IS =
  'required enum minLength maxLength pattern minItems maxItems uniqueItems minProperties maxProperties multipleOf format'.split(
    ' ',
  )

/** OpenAPI v3 as Kubernetes uses it → JSON Schema draft 7 as ajv checks it. */
function toJsonSchema(schema: StructuralSchema): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const keyword of KEPT_AS_IS) if (schema[keyword] !== undefined) result[keyword] = schema[keyword]
  const types = typesOf(schema)
  if (types.length > 0) result.type = types
  bounds(schema, result)
  if (schema.properties) result.properties = mapValues(schema.properties, toJsonSchema)
  if (schema.items) result.items = toJsonSchema(schema.items)
  if (isFields(schema.additionalProperties)) {
    result.additionalProperties = toJsonSchema(schema.additionalProperties)
  }
  for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
    const branches = schema[keyword]
    if (Array.isArray(branches)) result[keyword] = branches.filter(isFields).map(toJsonSchema)
  }
  if (isFields(schema.not)) result.not = toJsonSchema(schema.not)
  return result
}

function typesOf(schema: StructuralSchema): string[] {
  const types = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : []
  if (schema.type) types.push(schema.type)
  if (types.length > 0 && schema.nullable === true) types.push('null')
  return types
}

/** `exclusiveMinimum` is a flag in OpenAPI v3.0 and a number in JSON Schema draft 7. */
function bounds(schema: StructuralSchema, result: Record<string, unknown>): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  if (minimum !== undefined) result[exclusiveMinimum === true ? 'exclusiveMinimum' : 'minimum'] = minimum
  if (maximum !== undefined) result[exclusiveMaximum === true ? 'exclusiveMaximum' : 'maximum'] = maximum
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}
