import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { type Instant, toInstant } from '../../api/values/time.ts'

/** Certificates that somebody wrote down: read without trust, nothing here throws. */

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

export function readCertificates(pem: string): readonly X509Certificate[] {
  return (pem.match(PEM_CERTIFICATE) ?? []).flatMap((text) => {
    try {
      return new X509Certificate(text)
    } catch {
      return []
    }
  })
}

export function readPrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

export function validFrom(certificate: X509Certificate): Instant {
  return toInstant(Date.parse(certificate.validFrom))
}

export function validTo(certificate: X509Certificate): Instant {
  return toInstant(Date.parse(certificate.validTo))
}

export function isValidAt(certificate: X509Certificate, now: Instant): boolean {
  return validFrom(certificate) <= now && now < validTo(certificate)
}

export function isSame(a: X509Certificate, b: X509Certificate): boolean {
  return a.fingerprint256 === b.fingerprint256
}

/** By name and by signature. */
export function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  try {
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
  } catch {
    return false
  }
}

export function belongsTo(key: KeyObject, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(key)
  } catch {
    return false
  }
}

export function coversNames(certificate: X509Certificate, names: readonly string[]): boolean {
  return names.every((name) => certificate.checkHost(name) !== undefined)
}

export function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates
    .map((certificate) => certificate.toString().trim())
    .join('\n')
    .concat('\n')
}
