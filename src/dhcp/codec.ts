import { type DomainName, InvalidDomainNameError, parseDomainName } from '../api/values/domain-name.ts'
import { type IPv4Address, toIPv4Address } from '../api/values/ipv4-address.ts'
import { decodeDomainList, encodeDomainList } from './domain-list.ts'
import { MalformedDomainListError } from './errors.ts'
import { MESSAGE_TYPES, type MessageType } from './message-type.ts'

/** One kind of option value: how long it may be, and how it reads and writes. */
export interface Codec<T> {
  readonly minLength: number
  /** Absent: as long as the option may be. */
  readonly maxLength?: number
  readonly multipleOf?: number
  /** Why bytes of a permitted length are no value all the same; undefined when they are one. */
  flaw?(bytes: Uint8Array): string | undefined
  /** MUST be given bytes of a permitted length and without flaw. */
  decode(bytes: Uint8Array): T
  /** @throws RangeError for a value that has no such bytes */
  encode(value: T): Uint8Array
}

/** A value that always takes `size` bytes, and may therefore stand in a list. */
interface FixedCodec<T> extends Codec<T> {
  readonly size: number
  read(bytes: Uint8Array, offset: number): T
  write(value: T, bytes: Uint8Array, offset: number): void
}

export const uint8 = unsigned(1)
export const uint16 = unsigned(2)
export const uint32 = unsigned(4)

export const ipv4 = fixed<IPv4Address>(
  4,
  (bytes, offset) => toIPv4Address(uint32.read(bytes, offset)),
  uint32.write,
)

export const messageType: Codec<MessageType> = {
  minLength: 1,
  maxLength: 1,
  flaw: ([code = 0]) => (MESSAGE_TYPES[code - 1] ? undefined : `there is no message type ${code}`),
  decode: ([code = 0]) => MESSAGE_TYPES[code - 1] ?? 'DISCOVER',
  encode: (type) => Uint8Array.of(MESSAGE_TYPES.indexOf(type) + 1),
}

/** Which of the fields `file` (1) and `sname` (2) hold options too: RFC 2132 §9.3. */
export const overload: Codec<1 | 2 | 3> = {
  minLength: 1,
  maxLength: 1,
  flaw: ([value = 0]) => (value >= 1 && value <= 3 ? undefined : `${value} is not 1, 2 or 3`),
  decode: ([value]) => (value === 1 || value === 2 ? value : 3),
  encode: (value) => Uint8Array.of(value),
}

export function list<T>(item: FixedCodec<T>, limits: { min: number }): Codec<readonly T[]> {
  const { size } = item
  return {
    minLength: limits.min * size,
    multipleOf: size,
    decode: (bytes) => {
      const values: T[] = []
      for (let offset = 0; offset < bytes.length; offset += size) values.push(item.read(bytes, offset))
      return values
    },
    encode: (values) => {
      const bytes = new Uint8Array(values.length * size)
      for (const [i, value] of values.entries()) item.write(value, bytes, i * size)
      return bytes
    },
  }
}

/** Bytes that mean nothing to a server but must come back as they are. */
export function opaque(limits: { min: number }): Codec<Uint8Array> {
  return { minLength: limits.min, decode: (bytes) => bytes, encode: (bytes) => bytes }
}

/**
 * UTF-8 without trailing NULs, which receivers must be ready to delete (RFC 2132 §2).
 * An empty text is read, because clients send it, and never written, because RFC 2132 forbids it.
 */
export const text: Codec<string> = {
  minLength: 0,
  decode: (bytes) => new TextDecoder().decode(withoutTrailingNuls(bytes)),
  encode: (value) => {
    if (value === '') throw new RangeError('the text is empty')
    return new TextEncoder().encode(value)
  },
}

export const domainName: Codec<DomainName> = {
  minLength: 1,
  flaw: (bytes) => messageOf(InvalidDomainNameError, () => parseDomainName(text.decode(bytes))),
  decode: (bytes) => parseDomainName(text.decode(bytes)),
  encode: text.encode,
}

export const domainList: Codec<readonly DomainName[]> = {
  minLength: 1,
  flaw: (bytes) => messageOf(MalformedDomainListError, () => decodeDomainList(bytes)),
  decode: decodeDomainList,
  encode: encodeDomainList,
}

function unsigned(size: 1 | 2 | 4): FixedCodec<number> {
  const limit = 2 ** (8 * size)
  return fixed(
    size,
    (bytes, offset) => {
      let value = 0
      for (let i = offset; i < offset + size; i++) value = value * 256 + (bytes[i] ?? 0)
      return value
    },
    (value, bytes, offset) => {
      if (!Number.isInteger(value) || value < 0 || value >= limit) {
        throw new RangeError(`${value} is not a whole number from 0 to ${limit - 1}`)
      }
      for (let i = 0; i < size; i++) bytes[offset + i] = value >>> (8 * (size - 1 - i))
    },
  )
}

function fixed<T>(size: number, read: FixedCodec<T>['read'], write: FixedCodec<T>['write']): FixedCodec<T> {
  return {
    size,
    read,
    write,
    minLength: size,
    maxLength: size,
    decode: (bytes) => read(bytes, 0),
    encode: (value) => {
      const bytes = new Uint8Array(size)
      write(value, bytes, 0)
      return bytes
    },
  }
}

function withoutTrailingNuls(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}

function messageOf(expected: new (...args: never[]) => Error, action: () => unknown): string | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof expected) return error.message
    throw error
  }
}
