import { CORE_SCHEMA, load } from 'js-yaml'
import { isFields } from '../json.ts'
import { badRequest, unsupportedMediaType } from '../status.ts'
import { PROTOBUF_TYPE, parseProtobuf } from './protobuf.ts'

/** As the API server's limit for a request body. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024

/** Far beyond any real object; what is deeper would overflow the stack of everything that walks it. */
const MAX_DEPTH = 500
/** YAML aliases let a small text stand for a large value. */
const MAX_NODES = 2_000_000
const MAX_TEXT = 4 * MAX_BODY_BYTES

const OBJECT_TYPES = ['application/json', 'application/yaml']

export function mediaTypeOf(contentType: string | undefined): string {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  return type || 'application/json'
}

/** An object in JSON, YAML or protobuf; undefined when there is no body. @throws ApiError 400, 415 */
export function parseObjectBody(contentType: string | undefined, body: unknown): unknown {
  const type = mediaTypeOf(contentType)
  if (type === PROTOBUF_TYPE && Buffer.isBuffer(body)) return parseProtobuf(body)
  const text = textOf(body)
  if (text.trim() === '') return undefined
  if (!OBJECT_TYPES.includes(type)) throw unsupportedMediaType(OBJECT_TYPES)
  return type === 'application/json' ? parseJson(text) : parseYaml(text)
}

/** @throws ApiError 400 */
export function parseJson(text: string): unknown {
  try {
    return checked(JSON.parse(text))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw badRequest(`the object provided is unrecognized: json parse error: ${cause.message}`)
  }
}

/** JSON is YAML too. @throws ApiError 400 */
export function parseYaml(text: string): unknown {
  let value: unknown
  try {
    value = load(text, { schema: CORE_SCHEMA, maxAliases: 1000, maxDepth: MAX_DEPTH })
  } catch (cause) {
    throw badRequest(
      `error converting YAML to JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`,
    )
  }
  return checked(value)
}

export function textOf(body: unknown): string {
  return Buffer.isBuffer(body) ? body.toString('utf8') : ''
}

/** Walks without recursion, so that it may look at anything. @throws ApiError 400 */
function checked(value: unknown): unknown {
  const stack: { value: unknown; depth: number }[] = [{ value, depth: 0 }]
  let nodes = 0
  let text = 0
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { value: current, depth } = top
    nodes += 1
    if (depth > MAX_DEPTH) throw badRequest(`the body is nested more than ${MAX_DEPTH} levels deep`)
    if (typeof current === 'string') text += current.length
    if (nodes > MAX_NODES || text > MAX_TEXT) throw badRequest('the body expands to too much data')
    if (Array.isArray(current)) {
      for (const item of current) stack.push({ value: item, depth: depth + 1 })
    } else if (isFields(current)) {
      for (const [name, item] of Object.entries(current)) {
        if (name === '__proto__') throw badRequest('a field may not be named "__proto__"')
        text += name.length
        stack.push({ value: item, depth: depth + 1 })
      }
    }
  }
  return value
}
