declare const brand: unique symbol

/** A 48-bit MAC address in canonical text: lower-case, colons ("ca:70:82:e6:84:6e"). */
export type MacAddress = string & { readonly [brand]: 'MacAddress' }

export class InvalidMacAddressError extends Error {
  override readonly name = 'InvalidMacAddressError'
  constructor(readonly text: string) {
    super(`"${text}" is not a MAC address such as ca:70:82:e6:84:6e`)
  }
}

/** Looked up rather than formatted: this is on the path of every packet. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const PATTERN = /^([0-9a-f]{2})([:-][0-9a-f]{2}){5}$/

/**
 * Accepts upper case, colons or dashes; gives the canonical form.
 * @throws InvalidMacAddressError
 */
export function parseMacAddress(text: string): MacAddress {
  const canonical = text.toLowerCase().replaceAll('-', ':')
  if (!PATTERN.test(canonical)) throw new InvalidMacAddressError(text)
  return canonical as MacAddress
}

/** @param bytes at least six bytes, of which the first six are the address */
export function macAddressFromBytes(bytes: Uint8Array): MacAddress {
  const hex = (index: number) => HEX[bytes[index] ?? 0]
  return `${hex(0)}:${hex(1)}:${hex(2)}:${hex(3)}:${hex(4)}:${hex(5)}` as MacAddress
}

export function macAddressToBytes(mac: MacAddress): Uint8Array {
  return Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16))
}
