import * as z from 'zod'
import {
  AlreadyExistsError,
  ConflictError,
  ExpiredError,
  ForbiddenError,
  InvalidObjectError,
  KindNotServedError,
  NotFoundError,
  type StoreError,
  ThrottledError,
  UnavailableError,
} from './errors.ts'

/** metav1.Status, as far as it says what went wrong. */
const statusSchema = z.looseObject({
  kind: z.literal('Status'),
  message: z.string().optional(),
  reason: z.string().optional(),
  code: z.number().optional(),
  details: z
    .looseObject({ retryAfterSeconds: z.number().optional(), name: z.string().optional() })
    .optional(),
})

/** A server may not silence a client for longer. */
const LONGEST_RETRY_AFTER = 300

export interface FailedAnswer {
  /** HTTP status. */
  readonly code: number
  /** The JSON of the answer, or its text. */
  readonly body: unknown
  readonly retryAfter?: string | undefined
}

/** The error that an answer other than 2xx, or an ERROR event of a watch, means. */
export function errorOf({ code: httpCode, body, retryAfter }: FailedAnswer): StoreError {
  const parsed = statusSchema.safeParse(body)
  const status = parsed.success ? parsed.data : undefined
  const code = status?.code ?? httpCode
  const message = status?.message || plainText(body) || `the API server answered ${code}`
  const seconds = retrySeconds(retryAfter, status?.details?.retryAfterSeconds)

  // A Status about an object names it; who does not know the kind has no object to name.
  if (code === 404)
    return status?.details?.name ? new NotFoundError(message) : new KindNotServedError(message)
  if (code === 409) {
    return status?.reason === 'AlreadyExists' ? new AlreadyExistsError(message) : new ConflictError(message)
  }
  if (code === 410) return new ExpiredError(message)
  if (code === 401 || code === 403) return new ForbiddenError(code, message)
  if (code === 429 || (code === 503 && seconds !== undefined))
    return new ThrottledError(code, message, seconds)
  if (code >= 400 && code < 500) return new InvalidObjectError(code, message)
  return new UnavailableError(code, message)
}

function retrySeconds(header: string | undefined, detail: number | undefined): number | undefined {
  const asked = header !== undefined && /^\d+$/.test(header) ? Number(header) : detail
  return asked === undefined ? undefined : Math.max(0, Math.min(asked, LONGEST_RETRY_AFTER))
}

function plainText(body: unknown): string | undefined {
  return typeof body === 'string' ? body.trim().slice(0, 500) : undefined
}
