declare const brand: unique symbol

/** A domain name in text without the root's dot: "corp.example.com". */
export type DomainName = string & { readonly [brand]: 'DomainName' }

/** RFC 1035 §2.3.4: 255 octets on the wire, which is 253 characters between the dots' length bytes. */
const MAX_TEXT_LENGTH = 253
export const MAX_LABEL_LENGTH = 63

/**
 * RFC 1123 §2.1 letters, digits and hyphens, and underscores, which search domains have in practice.
 * Nothing else: clients hand these names to shell scripts.
 */
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/

export class InvalidDomainNameError extends Error {
  override readonly name = 'InvalidDomainNameError'
  constructor(
    readonly text: string,
    readonly reason: string,
  ) {
    super(`"${text}" is not a domain name such as example.com: ${reason}`)
  }
}

/**
 * Accepts the absolute form too ("example.com."). Case is kept.
 * @throws InvalidDomainNameError
 */
export function parseDomainName(text: string): DomainName {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name.length === 0) throw new InvalidDomainNameError(text, 'it is empty')
  if (name.length > MAX_TEXT_LENGTH) {
    throw new InvalidDomainNameError(text, `it is longer than ${MAX_TEXT_LENGTH} characters`)
  }
  for (const label of name.split('.')) {
    if (label.length === 0) throw new InvalidDomainNameError(text, 'it has an empty label')
    if (label.length > MAX_LABEL_LENGTH) {
      throw new InvalidDomainNameError(text, `a label is longer than ${MAX_LABEL_LENGTH} characters`)
    }
    if (!LABEL.test(label)) {
      throw new InvalidDomainNameError(
        text,
        'a label must be letters, digits, hyphens and underscores, with no hyphen first or last',
      )
    }
  }
  return name as DomainName
}
