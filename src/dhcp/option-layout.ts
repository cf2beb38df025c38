import { OPTIONS, type RawOptions } from './options.ts'
import { END, OVERLOAD, PAD } from './packet.ts'

export type EncodedOption = readonly [code: number, value: Uint8Array]

/** Which options go where. */
export interface OptionLayout {
  readonly options: readonly EncodedOption[]
  readonly file: readonly EncodedOption[]
  readonly sname: readonly EncodedOption[]
  /** Bytes of the options field, with its overload and end options. */
  readonly length: number
}

/** Bytes that each field has for options; 0 where it is taken. */
export interface Room {
  readonly options: number
  readonly file: number
  readonly sname: number
}

const FIELD_ORDER = ['options', 'file', 'sname'] as const
const OVERLOAD_LENGTH = 3
const END_LENGTH = 1
/** A longer value takes several options of at most so many bytes (RFC 3396 §5). */
export const MAX_PART_LENGTH = 255

/** Without these a lease is useless, or a relay or client throws the answer away. */
const ESSENTIAL: ReadonlySet<number> = new Set(
  [
    OPTIONS.messageType,
    OPTIONS.serverIdentifier,
    OPTIONS.leaseTime,
    OPTIONS.subnetMask,
    OPTIONS.clientIdentifier,
    OPTIONS.relayAgentInformation,
  ].map((row) => row.code),
)

/**
 * Options in their order, first all in the options field, else over `file` and `sname` too (RFC 2131 §4.1).
 * What does not fit even so is left out, from the last (the client wants it least: RFC 2132 §9.8) to the first,
 * essential ones only when no other is left.
 */
export function layOutOptions(options: RawOptions, room: Room): OptionLayout {
  const kept: EncodedOption[] = []
  let length = END_LENGTH
  for (const option of options) {
    if (isFraming(option[0])) continue
    kept.push(option)
    length += encodedLength(option[1])
  }
  if (length <= room.options) return { options: kept, file: [], sname: [], length }
  for (;;) {
    const layout = spread(kept, room)
    if (layout) return layout
    kept.splice(leastImportant(kept), 1)
  }
}

/**
 * Each option goes whole to the first field with room for it: the essential ones first, since not everything on
 * the way looks beyond the options field, then the longest, which are the hardest to place.
 * Undefined when one finds no room.
 */
function spread(options: readonly EncodedOption[], room: Room): OptionLayout | undefined {
  const left = {
    options: room.options - OVERLOAD_LENGTH - END_LENGTH,
    file: room.file - END_LENGTH,
    sname: room.sname - END_LENGTH,
  }
  const places = new Map<EncodedOption, keyof Room>()
  for (const option of options.toSorted(byDifficulty)) {
    const needed = encodedLength(option[1])
    const place = FIELD_ORDER.find((field) => needed <= left[field])
    if (!place) return undefined
    places.set(option, place)
    left[place] -= needed
  }
  const placedIn = (field: keyof Room) => options.filter((option) => places.get(option) === field)
  return {
    options: placedIn('options'),
    file: placedIn('file'),
    sname: placedIn('sname'),
    length: room.options - left.options,
  }
}

function byDifficulty(a: EncodedOption, b: EncodedOption): number {
  const essential = Number(ESSENTIAL.has(b[0])) - Number(ESSENTIAL.has(a[0]))
  return essential !== 0 || ESSENTIAL.has(a[0]) ? essential : b[1].length - a[1].length
}

function leastImportant(options: readonly EncodedOption[]): number {
  const index = options.findLastIndex(([code]) => !ESSENTIAL.has(code))
  return index < 0 ? options.length - 1 : index
}

/** Two bytes for each part of up to 255 bytes: RFC 3396 §5. */
function encodedLength(value: Uint8Array): number {
  return value.length + 2 * Math.max(1, Math.ceil(value.length / MAX_PART_LENGTH))
}

function isFraming(code: number): boolean {
  return code === PAD || code === OVERLOAD || code === END
}
