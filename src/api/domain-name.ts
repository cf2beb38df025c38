export class InvalidDomainNameError extends Error {
  override readonly name = 'InvalidDomainNameError'
  constructor(
    readonly text: string,
    reason: string,
  ) {
    super(`"${text}" is not a domain name: ${reason}`)
  }
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/i

/**
 * RFC 1035 §2.3.1 and §2.3.4, digits first as RFC 1123 §2.1 allows, underscores as service names use them.
 * A trailing dot is accepted.
 * @throws InvalidDomainNameError
 */
export function validateDomainName(text: string): void {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name === '') throw new InvalidDomainNameError(text, 'it is empty')
  if (name.length > 253) throw new InvalidDomainNameError(text, 'it is longer than 253 characters')
  for (const label of name.split('.')) {
    if (label.length > 63)
      throw new InvalidDomainNameError(text, `the label "${label}" is longer than 63 characters`)
    if (!LABEL.test(label)) {
      throw new InvalidDomainNameError(
        text,
        `the label "${label}" must be letters, digits and hyphens, not at its ends`,
      )
    }
  }
}
