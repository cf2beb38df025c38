import type { ErrorObject } from 'ajv'
import type { StatusCause } from '../status.ts'

/** How `field.Error` of apimachinery prints an offending value. */
export function formatValue(value: unknown): string {
  if (value === undefined) return '""'
  const text = JSON.stringify(value)
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text
}

export function requiredValue(field: string, detail = ''): StatusCause {
  const message = detail === '' ? 'Required value' : `Required value: ${detail}`
  return { reason: 'FieldValueRequired', message, field }
}

export function invalidValue(field: string, value: unknown, detail: string): StatusCause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${formatValue(value)}: ${detail}`, field }
}

export function forbiddenValue(field: string, detail: string): StatusCause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${detail}`, field }
}

export function duplicateValue(field: string, value: unknown): StatusCause {
  return { reason: 'FieldValueDuplicate', message: `Duplicate value: ${formatValue(value)}`, field }
}

/** One ajv error in the words of the API server (apiextensions-apiserver/pkg/apiserver/validation). */
export function causeOf(error: ErrorObject): StatusCause {
  const field = fieldPath(error.instancePath)
  const { params, data } = error
  const inBody = (what: string) => invalidValue(field, data, `${field} in body ${what}`)
  switch (error.keyword) {
    case 'required':
      return requiredValue(join(field, String(params.missingProperty)))
    case 'type': {
      const types: unknown = params.type
      const wanted = Array.isArray(types) ? types.filter((type) => type !== 'null').join(',') : String(types)
      const given = typeName(data)
      return typeInvalid(field, given, `${field} in body must be of type ${wanted}: ${formatValue(given)}`)
    }
    case 'format':
      return typeInvalid(
        field,
        data,
        `${field} in body must be of type ${params.format}: ${formatValue(data)}`,
      )
    case 'enum': {
      const values: unknown[] = Array.isArray(params.allowedValues) ? params.allowedValues : []
      const supported = values.map(formatValue).join(', ')
      return {
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${formatValue(data)}: supported values: ${supported}`,
        field,
      }
    }
    case 'maxLength':
      return {
        reason: 'FieldValueTooLong',
        message: `Too long: may not be more than ${params.limit} bytes`,
        field,
      }
    case 'maxItems':
    case 'maxProperties': {
      const count = sizeOf(data)
      return {
        reason: 'FieldValueTooMany',
        message: `Too many: ${count}: must have at most ${params.limit} ${params.limit === 1 ? 'item' : 'items'}`,
        field,
      }
    }
    case 'minLength':
      return inBody(`should be at least ${params.limit} chars long`)
    case 'minItems':
      return invalidValue(field, sizeOf(data), `${field} in body should have at least ${params.limit} items`)
    case 'minProperties':
      return invalidValue(
        field,
        sizeOf(data),
        `${field} in body should have at least ${params.limit} properties`,
      )
    case 'pattern':
      return inBody(`should match '${params.pattern}'`)
    case 'minimum':
      return inBody(`should be greater than or equal to ${params.limit}`)
    case 'maximum':
      return inBody(`should be less than or equal to ${params.limit}`)
    case 'exclusiveMinimum':
      return inBody(`should be greater than ${params.limit}`)
    case 'exclusiveMaximum':
      return inBody(`should be less than ${params.limit}`)
    case 'multipleOf':
      return inBody(`should be a multiple of ${params.multipleOf}`)
    case 'uniqueItems':
      return inBody("shouldn't contain duplicates")
    case 'oneOf':
      return invalidValue(field, data, `"${field}" must validate one and only one schema (oneOf)`)
    case 'anyOf':
      return invalidValue(field, data, `"${field}" must validate at least one schema (anyOf)`)
    case 'not':
      return invalidValue(field, data, `"${field}" must not validate the schema (not)`)
    default:
      return inBody(error.message ?? error.keyword)
  }
}

function sizeOf(data: unknown): number {
  return Array.isArray(data) ? data.length : Object.keys(Object(data)).length
}

function typeInvalid(field: string, value: unknown, detail: string): StatusCause {
  return {
    reason: 'FieldValueTypeInvalid',
    message: `Invalid value: ${formatValue(value)}: ${detail}`,
    field,
  }
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

/** `/spec/list/0/a.b` → `spec.list[0].a.b`, as field.Path prints it. */
function fieldPath(instancePath: string): string {
  const tokens = instancePath
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
  let path = ''
  for (const token of tokens) path = /^\d+$/.test(token) ? `${path}[${token}]` : join(path, token)
  return path
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
