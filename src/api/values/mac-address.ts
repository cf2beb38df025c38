declare const brand: unique symbol

/** A 48-bit MAC address in canonical text: lower-case, colons ("ca:70:82:e6:84:6e"). */
export type MacAddress = string & { readonly [brand]: 'MacAddress' }

export class InvalidMacAddressError extends Error {
  override readonly name = 'InvalidMacAddressError'
  constructor(readonly text: string) {
    super(`"${text}" is not a MAC address such as ca:70:82:e6:84:6e`)
  }
}

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
  return Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join(
    ':',
  ) as MacAddress
}

export function macAddressToBytes(mac: MacAddress): Uint8Array {
  return Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16))
}
