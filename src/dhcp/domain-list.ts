import {
  type DomainName,
  InvalidDomainNameError,
  MAX_LABEL_LENGTH,
  parseDomainName,
} from '../api/values/domain-name.ts'
import { MalformedDomainListError } from './errors.ts'

/** RFC 1035 §4.1.4: the two high bits mark a pointer, the other 14 are an offset. */
const POINTER = 0xc0
const MAX_POINTER_TARGET = 0x3fff
/** A name has at most 127 labels, so a longer chain of pointers cannot be a prudent encoder's. */
const MAX_JUMPS = 127

/** Domain names on the wire, each suffix that was written before replaced by a pointer (RFC 1035 §4.1.4). */
export function encodeDomainList(names: readonly DomainName[]): Uint8Array {
  const bytes: number[] = []
  const offsets = new Map<string, number>()
  for (const name of names) {
    let suffix: string = name
    while (suffix !== '') {
      const known = offsets.get(suffix)
      if (known !== undefined) break
      if (bytes.length <= MAX_POINTER_TARGET) offsets.set(suffix, bytes.length)
      const dot = suffix.indexOf('.')
      const label = dot < 0 ? suffix : suffix.slice(0, dot)
      bytes.push(label.length, ...Array.from(label, (character) => character.charCodeAt(0)))
      suffix = dot < 0 ? '' : suffix.slice(dot + 1)
    }
    const target = offsets.get(suffix)
    if (target === undefined) bytes.push(0)
    else bytes.push(POINTER | (target >>> 8), target & 0xff)
  }
  return Uint8Array.from(bytes)
}

/**
 * Ends on any input: a pointer must point before the labels that lead to it, so that there are no loops.
 * @throws MalformedDomainListError
 */
export function decodeDomainList(bytes: Uint8Array): DomainName[] {
  const names: DomainName[] = []
  let offset = 0
  while (offset < bytes.length) {
    const { name, next } = readName(bytes, offset)
    names.push(name)
    offset = next
  }
  return names
}

function readName(bytes: Uint8Array, start: number): { name: DomainName; next: number } {
  const labels: string[] = []
  let textLength = 0
  let next: number | undefined
  let segment = start
  let jumps = 0
  let offset = start
  for (;;) {
    const length = bytes[offset]
    if (length === undefined) throw new MalformedDomainListError(offset, 'a domain name runs past the end')
    if (length === 0) break
    if (length >= POINTER) {
      const low = bytes[offset + 1]
      if (low === undefined) throw new MalformedDomainListError(offset, 'a compression pointer is cut off')
      const target = ((length & ~POINTER) << 8) | low
      if (target >= segment) {
        throw new MalformedDomainListError(offset, 'a compression pointer does not point backwards')
      }
      if (++jumps > MAX_JUMPS) throw new MalformedDomainListError(offset, 'too many compression pointers')
      next ??= offset + 2
      segment = target
      offset = target
      continue
    }
    if (length > MAX_LABEL_LENGTH) throw new MalformedDomainListError(offset, 'a label has a reserved type')
    if (offset + 1 + length > bytes.length) {
      throw new MalformedDomainListError(offset, 'a label runs past the end')
    }
    labels.push(String.fromCharCode(...bytes.subarray(offset + 1, offset + 1 + length)))
    textLength += length + 1
    if (textLength > 255)
      throw new MalformedDomainListError(offset, 'a domain name is longer than 255 octets')
    offset += 1 + length
  }
  return { name: checkedName(labels, start), next: next ?? offset + 1 }
}

function checkedName(labels: readonly string[], offset: number): DomainName {
  // A dot inside a label would read as two labels.
  if (labels.some((label) => label.includes('.'))) {
    throw new MalformedDomainListError(offset, 'a label holds a dot')
  }
  try {
    return parseDomainName(labels.join('.'))
  } catch (cause) {
    if (cause instanceof InvalidDomainNameError) {
      throw new MalformedDomainListError(offset, cause.message, { cause })
    }
    throw cause
  }
}
