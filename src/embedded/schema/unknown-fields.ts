import type { ServedResource } from '../resources/served-resource.ts'
import { ApiError, badRequest } from '../status.ts'
import { invalidValue } from './causes.ts'
import type { FieldValidation } from './decode.ts'

/**
 * What comes of fields that were dropped: warnings, or a refusal if the client asked for strictness.
 * @param patched the object with the patch on it, for whose refusal the API server has words of its own
 * @throws ApiError 400, 422
 */
export function judgeUnknownFields(
  resource: ServedResource,
  errors: string[],
  validation: FieldValidation = 'Warn',
  patched?: unknown,
): string[] {
  if (errors.length === 0 || validation === 'Ignore') return []
  if (validation === 'Warn') return errors
  const why = `strict decoding error: ${errors.join(', ')}`
  if (patched !== undefined) {
    const cause = invalidValue('patch', JSON.stringify(patched), why)
    throw new ApiError(422, 'Invalid', ` "" is invalid: patch: ${cause.message}`, { causes: [cause] })
  }
  throw badRequest(
    `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`,
  )
}
