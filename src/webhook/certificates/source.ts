import type { ServingCertificate } from './material.ts'

/** Where the webhook's certificate comes from. */
export interface CertificateSource {
  /** What is served with now; undefined before there is any. */
  current(): ServingCertificate | undefined
  /** Hears of every certificate that takes the place of `current`. */
  onChange(handler: (certificate: ServingCertificate) => void): void
  /** Why the API server would not trust this webhook, for readiness; nothing when it does. */
  problems(): readonly string[]
  stop(): void
}
