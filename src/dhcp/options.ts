import {
  type Codec,
  domainList,
  domainName,
  ipv4,
  list,
  messageType,
  opaque,
  overload,
  text,
  uint8,
  uint16,
  uint32,
} from './codec.ts'
import { InvalidOptionError } from './errors.ts'

/** The options of a message as they are on the wire, in their order: code to value. */
export type RawOptions = ReadonlyMap<number, Uint8Array>

interface OptionRow<T> {
  readonly code: number
  readonly codec: Codec<T>
  readonly maxLength: number
}

/** One length byte (RFC 2132 §2), unless the value may be split over several options (RFC 3396). */
const MAX_UNSPLIT_LENGTH = 255
const MAX_SPLIT_LENGTH = 65_535

function option<T>(code: number, codec: Codec<T>, { splittable = false } = {}): OptionRow<T> {
  return { code, codec, maxLength: splittable ? MAX_SPLIT_LENGTH : (codec.maxLength ?? MAX_UNSPLIT_LENGTH) }
}

const rows = {
  /** RFC 2132 §3.3: must stand before the routers. */
  subnetMask: option(1, ipv4),
  /** RFC 2132 §3.5: at least one address, the preferred first. */
  routers: option(3, list(ipv4, { min: 1 })),
  /** RFC 2132 §3.8: at least one address, the preferred first. */
  dnsServers: option(6, list(ipv4, { min: 1 })),
  /** RFC 2132 §3.14: the name that the client has, or has by its own account. */
  hostName: option(12, text),
  /** RFC 2132 §3.17: the domain in which the client resolves host names. */
  domainName: option(15, domainName),
  /** RFC 2132 §5.1: bytes on this interface. */
  interfaceMtu: option(26, uint16),
  /** RFC 2132 §5.3. */
  broadcastAddress: option(28, ipv4),
  /** RFC 2132 §8.3: at least one address, the preferred first. */
  ntpServers: option(42, list(ipv4, { min: 1 })),
  /** RFC 2132 §9.1: the address that the client wants. */
  requestedAddress: option(50, ipv4),
  /** RFC 2132 §9.2: seconds; all ones is for ever. */
  leaseTime: option(51, uint32),
  /** RFC 2132 §9.3: `file` or `sname` hold options. The packet codec reads and writes it by itself. */
  overload: option(52, overload),
  /** RFC 2132 §9.6: what makes a BOOTP message a DHCP message. */
  messageType: option(53, messageType),
  /** RFC 2132 §9.7: which server offers, or is chosen. */
  serverIdentifier: option(54, ipv4),
  /** RFC 2132 §9.8: option codes, the most wanted first. */
  parameterRequestList: option(55, list(uint8, { min: 1 })),
  /** RFC 2132 §9.9: an error in words. */
  message: option(56, text),
  /** RFC 2132 §9.10: the longest message that the client takes, IP and UDP headers included. */
  maxMessageSize: option(57, uint16),
  /** RFC 2132 §9.11, T1: seconds until the client renews. */
  renewalTime: option(58, uint32),
  /** RFC 2132 §9.12, T2: seconds until the client rebinds. */
  rebindingTime: option(59, uint32),
  /** RFC 2132 §9.13: what kind of client this is. */
  vendorClass: option(60, text),
  /** RFC 2132 §9.14: a type and at least one byte; echoed by servers (RFC 6842). */
  clientIdentifier: option(61, opaque({ min: 2 })),
  /** RFC 3046: what a relay or switch adds; echoed unchanged by servers (§2.2). */
  relayAgentInformation: option(82, opaque({ min: 2 }), { splittable: true }),
  /** RFC 3397: names compressed as in RFC 1035 §4.1.4; may be split over several options (RFC 3396). */
  domainSearch: option(119, domainList, { splittable: true }),
}

export type OptionValues = {
  [Name in keyof typeof rows]: (typeof rows)[Name] extends OptionRow<infer T> ? T : never
}
export type OptionName = keyof OptionValues

/** Every option with a typed view. Options without a row stay raw bytes. */
export const OPTIONS: { readonly [Name in OptionName]: OptionRow<OptionValues[Name]> } = rows

const ROW_BY_CODE = new Map(Object.entries(rows).map(([name, row]) => [row.code, { name, row }]))

/**
 * The value of an option; undefined when the message does not carry it.
 * @throws InvalidOptionError for bytes that are no such value: never for a packet from `decodePacket`
 */
export function getOption<Name extends OptionName>(
  options: RawOptions,
  name: Name,
): OptionValues[Name] | undefined {
  const row = OPTIONS[name]
  const bytes = options.get(row.code)
  if (bytes === undefined) return undefined
  const flaw = flawIn(row, bytes)
  if (flaw !== undefined) throw new InvalidOptionError(name, flaw)
  return row.codec.decode(bytes)
}

/** @throws InvalidOptionError when the option cannot carry the value */
export function encodeOption<Name extends OptionName>(name: Name, value: OptionValues[Name]): Uint8Array {
  const row = OPTIONS[name]
  const bytes = encodeValue(name, row.codec, value)
  const flaw = flawIn(row, bytes)
  if (flaw !== undefined) throw new InvalidOptionError(name, flaw)
  return bytes
}

/**
 * Options in the order in which the values are named.
 * @throws InvalidOptionError when an option cannot carry its value
 */
export function encodeOptions(values: Partial<OptionValues>): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>()
  for (const name of Object.keys(values) as OptionName[]) putOption(options, name, values)
  return options
}

/** Why `bytes` are no value of option `code`; undefined when they are one, or nothing is known of the option. */
export function flawInOption(code: number, bytes: Uint8Array): string | undefined {
  const known = ROW_BY_CODE.get(code)
  const flaw = known && flawIn(known.row, bytes)
  return flaw === undefined ? undefined : `option ${code} (${known?.name}): ${flaw}`
}

function putOption<Name extends OptionName>(
  options: Map<number, Uint8Array>,
  name: Name,
  values: Partial<OptionValues>,
): void {
  const value = values[name]
  if (value !== undefined) options.set(OPTIONS[name].code, encodeOption(name, value))
}

function flawIn({ codec, maxLength }: OptionRow<unknown>, bytes: Uint8Array): string | undefined {
  const { length } = bytes
  if (length < codec.minLength) return `${length} bytes, but at least ${codec.minLength} are needed`
  if (length > maxLength) return `${length} bytes, but at most ${maxLength} are allowed`
  if (codec.multipleOf !== undefined && length % codec.multipleOf !== 0) {
    return `${length} bytes, which is no multiple of ${codec.multipleOf}`
  }
  return codec.flaw?.(bytes)
}

function encodeValue<T>(name: string, codec: Codec<T>, value: T): Uint8Array {
  try {
    return codec.encode(value)
  } catch (cause) {
    if (cause instanceof RangeError) throw new InvalidOptionError(name, cause.message, { cause })
    throw cause
  }
}
