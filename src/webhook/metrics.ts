import type { Duration } from '../api/values/time.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { CertificateSource } from './certificates/source.ts'
import { validTo } from './certificates/inspect.ts'

export interface AdmissionMetrics {
  reviewed(review: {
    kind: string
    operation: string
    review: string
    allowed: boolean
    duration: Duration
  }): void
}

export function createAdmissionMetrics(metrics: Metrics): AdmissionMetrics {
  const reviews = metrics.counter({
    name: 'admission_reviews_total',
    help: 'Admission reviews answered.',
    labels: ['kind', 'operation', 'review', 'allowed'],
  })
  const seconds = metrics.histogram({
    name: 'admission_review_seconds',
    help: 'How long answers to admission reviews took.',
    labels: ['kind', 'review'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  })
  return {
    reviewed({ kind, operation, review, allowed, duration }) {
      reviews.inc({ kind, operation, review, allowed: String(allowed) })
      seconds.observe({ kind, review }, duration / 1000)
    },
  }
}

export function addCertificateMetrics(metrics: Metrics, certificates: CertificateSource): void {
  metrics.derivedGauge(
    {
      name: 'webhook_certificate_expiry_timestamp_seconds',
      help: 'Until when the serving certificate is valid, in seconds since 1970.',
    },
    () => {
      const current = certificates.current()
      return current === undefined ? [] : [[{}, validTo(current.parsed) / 1000]]
    },
  )
}
