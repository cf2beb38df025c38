import { ipv4, uint16, uint32 } from './codec.ts'
import { MalformedPacketError } from './errors.ts'
import { flawInOption } from './options.ts'
import {
  type DhcpPacket,
  END,
  FIELDS,
  FILE_HOLDS_OPTIONS,
  MAGIC_COOKIE,
  OVERLOAD,
  PAD,
  SNAME_HOLDS_OPTIONS,
} from './packet.ts'

const EMPTY = new Uint8Array()

/**
 * The message in a UDP payload. Its byte arrays are views of `bytes`, so those must not change afterwards.
 * Work and memory are linear in the length of `bytes`, whatever they hold.
 *
 * Refused: a cut-off header, no magic cookie (plain BOOTP), an option that runs past its field, an option
 * with a row in `OPTIONS` whose value is none. Tolerated: no end option, when the last option ends where its
 * field does (nothing is missing then), and anything behind the end option (it is padding).
 *
 * @throws MalformedPacketError
 */
export function decodePacket(payload: Uint8Array): DhcpPacket {
  // A Buffer's subarray would be a Buffer again: slower, and not equal to the same bytes in a test.
  const bytes = new Uint8Array(payload.buffer, payload.byteOffset, payload.length)
  if (bytes.length < FIELDS.options) {
    throw new MalformedPacketError(
      bytes.length,
      `it ends within the header, which takes ${FIELDS.options} bytes`,
    )
  }
  if (uint32.read(bytes, FIELDS.magicCookie) !== MAGIC_COOKIE) {
    throw new MalformedPacketError(FIELDS.magicCookie, 'it has no DHCP magic cookie (RFC 2131 §3)')
  }
  const hlen = byteAt(bytes, FIELDS.hlen)
  if (hlen > FIELDS.chaddr.length) {
    throw new MalformedPacketError(FIELDS.hlen, `a hardware address of ${hlen} bytes does not fit`)
  }
  const { options, overload } = decodeOptions(bytes)
  return {
    op: decodeOp(bytes),
    htype: byteAt(bytes, FIELDS.htype),
    hlen,
    hops: byteAt(bytes, FIELDS.hops),
    xid: uint32.read(bytes, FIELDS.xid),
    secs: uint16.read(bytes, FIELDS.secs),
    flags: uint16.read(bytes, FIELDS.flags),
    ciaddr: ipv4.read(bytes, FIELDS.ciaddr),
    yiaddr: ipv4.read(bytes, FIELDS.yiaddr),
    siaddr: ipv4.read(bytes, FIELDS.siaddr),
    giaddr: ipv4.read(bytes, FIELDS.giaddr),
    chaddr: bytes.subarray(FIELDS.chaddr.offset, FIELDS.chaddr.offset + FIELDS.chaddr.length),
    sname: overload & SNAME_HOLDS_OPTIONS ? EMPTY : decodeText(bytes, FIELDS.sname),
    file: overload & FILE_HOLDS_OPTIONS ? EMPTY : decodeText(bytes, FIELDS.file),
    options,
  }
}

function decodeOp(bytes: Uint8Array): DhcpPacket['op'] {
  const op = byteAt(bytes, FIELDS.op)
  if (op === 1) return 'BOOTREQUEST'
  if (op === 2) return 'BOOTREPLY'
  throw new MalformedPacketError(FIELDS.op, `op ${op} is neither a request (1) nor a reply (2)`)
}

function decodeText(bytes: Uint8Array, field: { offset: number; length: number }): Uint8Array {
  let end = field.offset + field.length
  while (end > field.offset && bytes[end - 1] === 0) end--
  return end === field.offset ? EMPTY : bytes.subarray(field.offset, end)
}

function decodeOptions(bytes: Uint8Array): { options: Map<number, Uint8Array>; overload: number } {
  const found: FoundOptions = { options: new Map(), split: new Map() }
  readField(bytes, FIELDS.options, bytes.length, found)
  const overload = decodeOverload(bytes, found)
  // RFC 2131 §4.1: first `file`, then `sname`.
  if (overload & FILE_HOLDS_OPTIONS) readOverloaded(bytes, FIELDS.file, found)
  if (overload & SNAME_HOLDS_OPTIONS) readOverloaded(bytes, FIELDS.sname, found)
  const { options, split } = found
  // Only the options field may say what is overloaded (RFC 2131 §4.1).
  options.delete(OVERLOAD)
  for (const [code, value] of options) {
    const parts = split.get(code)
    const whole = parts ? concatenate(parts) : value
    if (parts) options.set(code, whole)
    const flaw = flawInOption(code, whole)
    if (flaw !== undefined) throw new MalformedPacketError(offsetOf(value, bytes), flaw)
  }
  return { options, overload }
}

/** What was read so far. Values are joined once, at the end: joining at each part would cost O(n²). */
interface FoundOptions {
  /** The first part of each option. */
  readonly options: Map<number, Uint8Array>
  /** All parts of the options that came more than once: RFC 3396 §7. */
  readonly split: Map<number, Uint8Array[]>
}

function readOverloaded(
  bytes: Uint8Array,
  field: { offset: number; length: number },
  found: FoundOptions,
): void {
  readField(bytes, field.offset, field.offset + field.length, found)
}

function readField(bytes: Uint8Array, start: number, end: number, found: FoundOptions): void {
  let offset = start
  while (offset < end) {
    const code = byteAt(bytes, offset)
    if (code === END) return
    if (code === PAD) {
      offset++
      continue
    }
    if (offset + 1 >= end) throw new MalformedPacketError(offset, `option ${code} has no length`)
    const valueStart = offset + 2
    const valueEnd = valueStart + byteAt(bytes, offset + 1)
    if (valueEnd > end) {
      throw new MalformedPacketError(offset, `option ${code} runs ${valueEnd - end} bytes past the end`)
    }
    addPart(found, code, bytes.subarray(valueStart, valueEnd))
    offset = valueEnd
  }
}

function addPart({ options, split }: FoundOptions, code: number, part: Uint8Array): void {
  const first = options.get(code)
  if (first === undefined) {
    options.set(code, part)
    return
  }
  const parts = split.get(code)
  if (parts) parts.push(part)
  else split.set(code, [first, part])
}

function decodeOverload(bytes: Uint8Array, { options, split }: FoundOptions): number {
  const value = options.get(OVERLOAD)
  if (value === undefined) return 0
  const flaw = split.has(OVERLOAD) ? 'option 52 (overload) comes twice' : flawInOption(OVERLOAD, value)
  if (flaw !== undefined) throw new MalformedPacketError(offsetOf(value, bytes), flaw)
  return byteAt(value, 0)
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

function offsetOf(value: Uint8Array, bytes: Uint8Array): number {
  return value.byteOffset - bytes.byteOffset
}

/** Within bounds by the callers' checks. */
function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0
}
