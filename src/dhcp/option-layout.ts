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
 * Options in their order: all in the options field if they fit there, else over `file` and `sname` too (RFC 2131
 * §4.1). What finds no room even so is left out: the essential ones choose first, then the others in their order,
 * which is the client's order of preference (RFC 2132 §9.8).
 */
export function layOutOptions(options: RawOptions, room: Room): OptionLayout {
  const wanted: EncodedOption[] = []
  let length = END_LENGTH
  for (const option of options) {
    if (isFraming(option[0])) continue
    wanted.push(option)
    length += encodedLength(option[1])
  }
  if (length <= room.options) return { options: wanted, file: [], sname: [], length }
  let layout: OptionLayout = { options: [], file: [], sname: [], length: END_LENGTH }
  const kept = new Set<EncodedOption>()
  for (const option of [...wanted.filter(isEssential), ...wanted.filter((other) => !isEssential(other))]) {
    kept.add(option)
    const larger = spread(
      wanted.filter((other) => kept.has(other)),
      room,
    )
    if (larger) layout = larger
    else kept.delete(option)
  }
  return layout
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
  if (isEssential(a) || isEssential(b)) return Number(isEssential(b)) - Number(isEssential(a))
  return b[1].length - a[1].length
}

function isEssential([code]: EncodedOption): boolean {
  return ESSENTIAL.has(code)
}

/** Two bytes for each part of up to 255 bytes: RFC 3396 §5. */
function encodedLength(value: Uint8Array): number {
  return value.length + 2 * Math.max(1, Math.ceil(value.length / MAX_PART_LENGTH))
}

function isFraming(code: number): boolean {
  return code === PAD || code === OVERLOAD || code === END
}
