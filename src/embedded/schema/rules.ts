import { isFields } from '../json.ts'
import type { StatusCause } from '../status.ts'

/** True when the schema holds a CEL rule (`x-kubernetes-validations`) anywhere. */
export function hasRules(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.some(hasRules)
  if (!isFields(schema)) return false
  return Array.isArray(schema['x-kubernetes-validations']) || Object.values(schema).some(hasRules)
}

/** These leave too little of an object for rules to look at (apiextensions-apiserver, `hasBlockingErr`). */
const BLOCKING = [
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]

export function blocksRules({ reason }: StatusCause): boolean {
  return BLOCKING.includes(reason)
}

export const RULES_NOT_CHECKED: StatusCause = {
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  field: '<nil>',
}
