import { type Fields, isFields } from '../json.ts'
import { badRequest, unsupportedMediaType } from '../status.ts'
import { ENVELOPE, type FieldType, MESSAGES, type Message } from './protobuf-messages.ts'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'
const MAGIC = Buffer.from('k8s\0')

/**
 * An object in Kubernetes' protobuf form: kubectl sends the built-in kinds that it makes itself
 * (`create namespace`, `auth can-i`…) in no other form. Only those kinds are known here.
 * @throws ApiError 400, 415
 */
export function parseProtobuf(body: Buffer): Fields {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw badRequest('the body is no Kubernetes protobuf')
  try {
    const envelope = decodeMessage(body.subarray(MAGIC.length), ENVELOPE)
    const { typeMeta, raw } = envelope
    const { apiVersion, kind } = isFields(typeMeta) ? typeMeta : {}
    const message = MESSAGES[String(kind)]
    if (!message) throw unsupportedMediaType(['application/json', 'application/yaml'])
    const bytes = typeof raw === 'string' ? Buffer.from(raw, 'base64') : Buffer.alloc(0)
    return { apiVersion, kind, ...decodeMessage(bytes, message) }
  } catch (cause) {
    if (cause instanceof RangeError) throw badRequest(`unreadable protobuf: ${cause.message}`)
    throw cause
  }
}

/** https://protobuf.dev/programming-guides/encoding/ */
function decodeMessage(bytes: Buffer, message: Message): Fields {
  const result: Fields = {}
  let offset = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes.readUInt8(offset)
      offset += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw new RangeError('a varint is longer than ten bytes')
  }
  const chunk = (): Buffer => {
    const length = Number(varint())
    if (length < 0 || offset + length > bytes.length)
      throw new RangeError('a field is longer than the message')
    offset += length
    return bytes.subarray(offset - length, offset)
  }
  while (offset < bytes.length) {
    const tag = Number(varint())
    const [field, wireType] = [message[tag >> 3], tag & 7]
    if (wireType === 0) {
      const value = varint()
      if (field) result[field.name] = field.type === 'boolean' ? value !== 0n : Number(value)
    } else if (wireType === 2) {
      const value = chunk()
      if (field) addValue(result, field.name, field.type, value)
    } else if (wireType === 1 || wireType === 5) {
      offset += wireType === 1 ? 8 : 4
    } else throw new RangeError(`wire type ${wireType} is unknown`)
  }
  return result
}

function addValue(result: Fields, name: string, type: FieldType, bytes: Buffer): void {
  if (type === 'string') result[name] = bytes.toString('utf8')
  else if (type === 'bytes') result[name] = bytes.toString('base64')
  else if (type === 'time') result[name] = timeOf(decodeMessage(bytes, TIME))
  else if (type === 'strings') result[name] = [...listAt(result, name), bytes.toString('utf8')]
  else if (type === 'string-map' || type === 'bytes-map') {
    const { key, value = '' } = decodeMessage(bytes, type === 'string-map' ? STRING_ENTRY : BYTES_ENTRY)
    const map = isFields(result[name]) ? result[name] : {}
    result[name] = { ...map, [String(key)]: value }
  } else if (typeof type === 'object') {
    const value = decodeMessage(bytes, type.message)
    result[name] = type.repeated ? [...listAt(result, name), value] : value
  } else throw new RangeError(`${name} has a wrong wire type`)
}

const TIME: Message = { 1: { name: 'seconds', type: 'integer' } }
const STRING_ENTRY: Message = { 1: { name: 'key', type: 'string' }, 2: { name: 'value', type: 'string' } }
const BYTES_ENTRY: Message = { 1: { name: 'key', type: 'string' }, 2: { name: 'value', type: 'bytes' } }

/** An empty Time is Go's zero time, which JSON leaves out. */
function timeOf({ seconds }: Fields): string | undefined {
  if (typeof seconds !== 'number' || Math.abs(seconds) > 8.64e12) return undefined
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

function listAt(fields: Fields, name: string): unknown[] {
  const value = fields[name]
  return Array.isArray(value) ? value : []
}
