import { applyPatch, type Operation } from 'rfc6902'
import * as z from 'zod'
import { clone, isFields, sameJson } from '../json.ts'
import { ApiError, badRequest } from '../status.ts'

const pathSchema = z.string().regex(/^(\/.*)?$/, 'is not a JSON pointer')

const operationSchema = z.discriminatedUnion('op', [
  z.object({ op: z.literal('add'), path: pathSchema, value: z.unknown() }),
  z.object({ op: z.literal('replace'), path: pathSchema, value: z.unknown() }),
  z.object({ op: z.literal('test'), path: pathSchema, value: z.unknown() }),
  z.object({ op: z.literal('remove'), path: pathSchema }),
  z.object({ op: z.literal('move'), path: pathSchema, from: pathSchema }),
  z.object({ op: z.literal('copy'), path: pathSchema, from: pathSchema }),
])

/** As in the API server (staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go). */
const MAX_OPERATIONS = 10_000
/** Each copy may go a level deeper. */
const MAX_COPIES = 100
/** Each copy may double the document: all together are no larger than a body may be. */
const MAX_COPIED_CHARACTERS = 3 * 1024 * 1024

/**
 * RFC 6902. `target` is not changed.
 * @throws ApiError 400 for a patch that cannot be read, 422 for one that does not fit
 */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  const parsed = z.array(operationSchema).safeParse(patch)
  if (!parsed.success) throw badRequest(`error decoding patch: ${z.prettifyError(parsed.error)}`)
  const operations = parsed.data
  if (operations.length > MAX_OPERATIONS) {
    const why = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${operations.length}`
    throw new ApiError(413, 'RequestEntityTooLarge', why)
  }
  if (operations.filter(({ op }) => op === 'copy').length > MAX_COPIES) {
    throw new ApiError(413, 'RequestEntityTooLarge', `a JSON patch may copy at most ${MAX_COPIES} times`)
  }
  let copied = 0
  const document = { root: clone(target) }
  for (const operation of operations) {
    const rooted =
      'from' in operation
        ? { ...operation, path: `/root${operation.path}`, from: `/root${operation.from}` }
        : { ...operation, path: `/root${operation.path}` }
    if (!parentExists(document, rooted.path)) throw unfit(operation.op, operation.path, 'missing path')
    if ('from' in rooted && !parentExists(document, rooted.from)) {
      throw unfit(operation.op, rooted.from.slice('/root'.length), 'missing path')
    }
    if (rooted.op === 'test') {
      // The library compares lists in quadratic time and memory.
      if (sameJson(valueAt(document, tokensOf(rooted.path)), rooted.value)) continue
      throw unfit(operation.op, operation.path, 'the value is another')
    }
    if (rooted.op === 'copy') {
      copied += JSON.stringify(valueAt(document, tokensOf(rooted.from)))?.length ?? 0
      if (copied > MAX_COPIED_CHARACTERS) {
        const why = `a JSON patch may copy at most ${MAX_COPIED_CHARACTERS} characters in all`
        throw new ApiError(413, 'RequestEntityTooLarge', why)
      }
    }
    const failure = apply(document, clone(addingWhatIsMissing(document, rooted)))
    if (failure) throw unfit(operation.op, operation.path, failure.message)
  }
  return document.root
}

/** As the API server's own library (evanphx/json-patch), which replaces a field that is not there by adding it. */
function addingWhatIsMissing(document: unknown, operation: Operation): Operation {
  if (operation.op !== 'replace') return operation
  const tokens = tokensOf(operation.path)
  const isField = isFields(valueAt(document, tokens.slice(0, -1)))
  return isField && valueAt(document, tokens) === undefined ? { ...operation, op: 'add' } : operation
}

/** The library returns some failures and throws others. */
function apply(document: unknown, operation: Operation): Error | null {
  try {
    return applyPatch(document, [operation])[0] ?? null
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function parentExists(document: unknown, pointer: string): boolean {
  const value = valueAt(document, tokensOf(pointer).slice(0, -1))
  return isFields(value) || Array.isArray(value)
}

function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Only own properties lead anywhere: `/toString/call` must not reach into Object.prototype. */
function valueAt(document: unknown, tokens: readonly string[]): unknown {
  let value = document
  for (const token of tokens) {
    if (Array.isArray(value)) value = /^\d+$/.test(token) ? value[Number(token)] : undefined
    else if (isFields(value) && Object.hasOwn(value, token)) value = value[token]
    else return undefined
  }
  return value
}

function unfit(operation: string, path: string, why: string): ApiError {
  const message = `the server rejected our request due to an error in our request: ${operation} operation does not apply: doc is missing path "${path}": ${why}`
  return new ApiError(422, 'Invalid', message, {})
}
