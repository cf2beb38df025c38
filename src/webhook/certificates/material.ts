import type { X509Certificate } from 'node:crypto'
import * as z from 'zod'
import type { KubeObject } from '../../api/object.ts'
import type { Instant } from '../../api/values/time.ts'
import type { KeyPair } from './issue.ts'
import {
  belongsTo,
  coversNames,
  isIssuedBy,
  isValidAt,
  pemOf,
  readCertificates,
  readPrivateKey,
} from './inspect.ts'

/** What the replicas of the webhook share. Each part may be missing: people delete and edit Secrets. */
export interface Material {
  /** With what the webhook serves. */
  readonly serving: ServingCertificate | undefined
  /** Whom the API server is to trust. */
  readonly trusted: readonly X509Certificate[]
  /** One of `trusted` and its key: it issues the next serving certificate. */
  readonly signer: Signer | undefined
}

export interface ServingCertificate extends KeyPair {
  readonly parsed: X509Certificate
}

export interface Signer extends KeyPair {
  readonly parsed: X509Certificate
}

const secretSchema = z.looseObject({ data: z.record(z.string(), z.string()).optional() })

/** Only what is whole and in force counts; the rest is as if it were not there. */
export function readMaterial(
  secret: KubeObject | undefined,
  names: readonly string[],
  now: Instant,
): Material {
  const data = secretSchema.safeParse(secret).data?.data ?? {}
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('utf8')
  const trusted = readCertificates(text('ca.crt')).filter(
    (certificate) => certificate.ca && isValidAt(certificate, now),
  )
  return {
    trusted,
    serving: readServing(text('tls.crt'), text('tls.key'), trusted, names, now),
    signer: readSigner(text('ca.key'), trusted),
  }
}

/** As a Secret of type kubernetes.io/tls, with two keys more. */
export function toSecretData(serving: KeyPair, signer: KeyPair, trusted: readonly X509Certificate[]) {
  const encoded = (text: string) => Buffer.from(text).toString('base64')
  return {
    'tls.crt': encoded(serving.certificate),
    'tls.key': encoded(serving.key),
    'ca.crt': encoded(pemOf(trusted)),
    'ca.key': encoded(signer.key),
  }
}

export function isTrusted(
  certificate: X509Certificate,
  trusted: readonly X509Certificate[],
  now: Instant,
): boolean {
  return (
    isValidAt(certificate, now) &&
    trusted.some((authority) => isValidAt(authority, now) && isIssuedBy(certificate, authority))
  )
}

function readServing(
  certificatePem: string,
  keyPem: string,
  trusted: readonly X509Certificate[],
  names: readonly string[],
  now: Instant,
): ServingCertificate | undefined {
  const [parsed] = readCertificates(certificatePem)
  const key = readPrivateKey(keyPem)
  if (parsed === undefined || key === undefined || !belongsTo(key, parsed)) return undefined
  if (!coversNames(parsed, names) || !isTrusted(parsed, trusted, now)) return undefined
  return { certificate: certificatePem, key: keyPem, parsed }
}

function readSigner(keyPem: string, trusted: readonly X509Certificate[]): Signer | undefined {
  const key = readPrivateKey(keyPem)
  const parsed = key && trusted.find((certificate) => belongsTo(key, certificate))
  return parsed && { certificate: parsed.toString(), key: keyPem, parsed }
}
