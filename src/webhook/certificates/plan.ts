import type { X509Certificate } from 'node:crypto'
import { between, type Duration, type Instant, later, milliseconds, minutes } from '../../api/values/time.ts'
import { isIssuedBy, isSame, validFrom, validTo } from './inspect.ts'
import type { Material } from './material.ts'

export interface CertificatePolicy {
  readonly authorityLife: Duration
  readonly servingLife: Duration
  /** How long whatever replaces something is known to all before it is relied on. */
  readonly overlap: Duration
}

const DAY = minutes(24 * 60)

export const DEFAULT_POLICY: CertificatePolicy = {
  authorityLife: milliseconds(3650 * DAY),
  servingLife: milliseconds(90 * DAY),
  overlap: minutes(60),
}

/** Certificates begin so long before they are made: clocks differ. */
export const BACKDATING = minutes(60)
/** Of its life, what has passed when a certificate is renewed. */
const RENEW_AT = 2 / 3

export interface CertificatePlan {
  readonly newAuthority: boolean
  readonly newServing: boolean
  /** Of those that were trusted, those that stay so. */
  readonly trusted: readonly X509Certificate[]
  /** True when there is anything to write. */
  readonly changes: boolean
  /** Nothing is to do before. */
  readonly nextCheck: Instant
}

/**
 * What is to be done, in an order in which no request fails: a new authority is trusted for a while before anything is
 * served with it, and the old one until nobody serves with it any more.
 */
export function planCertificates(
  { serving, signer, trusted }: Material,
  now: Instant,
  { overlap }: CertificatePolicy,
): CertificatePlan {
  const newAuthority = signer === undefined || now >= renewalTime(signer.parsed)
  const signerKnown = signer === undefined ? now : later(madeAt(signer.parsed), overlap)
  const isForeign =
    serving !== undefined && signer !== undefined && !isIssuedBy(serving.parsed, signer.parsed)
  const newServing =
    serving === undefined ||
    now >= renewalTime(serving.parsed) ||
    (isForeign && !newAuthority && now >= signerKnown)

  const servingKnown = serving === undefined ? now : later(madeAt(serving.parsed), overlap)
  const isNeeded = (authority: X509Certificate) =>
    newAuthority ||
    newServing ||
    now < servingKnown ||
    (signer !== undefined && isSame(authority, signer.parsed)) ||
    (serving !== undefined && isIssuedBy(serving.parsed, authority))
  const kept = trusted.filter(isNeeded)
  const dates = [
    ...(signer === undefined ? [] : [renewalTime(signer.parsed), ...(isForeign ? [signerKnown] : [])]),
    ...(serving === undefined ? [] : [renewalTime(serving.parsed), servingKnown]),
    ...trusted.map(validTo),
  ]
  return {
    newAuthority,
    newServing,
    trusted: kept,
    changes: newAuthority || newServing || kept.length < trusted.length,
    nextCheck: dates.filter((date) => date > now).reduce((a, b) => (a < b ? a : b), later(now, DAY)),
  }
}

export function renewalTime(certificate: X509Certificate): Instant {
  const from = validFrom(certificate)
  return later(from, milliseconds(between(from, validTo(certificate)) * RENEW_AT))
}

function madeAt(certificate: X509Certificate): Instant {
  return later(validFrom(certificate), BACKDATING)
}
