import { createPatch } from 'rfc6902'
import * as z from 'zod'
import { kubeObjectSchema, objectMetaSchema } from '../api/object.ts'
import type { Verdict } from './verdict.ts'

/** https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response */
const ADMISSION_API_VERSION = 'admission.k8s.io/v1'

/** Of an object with `generateName` the name comes after admission. */
const object = kubeObjectSchema
  .extend({ metadata: objectMetaSchema.extend({ name: z.string().default('') }) })
  .nullish()
  .transform((value) => value ?? undefined)

export const admissionReviewSchema = z.looseObject({
  apiVersion: z.literal(ADMISSION_API_VERSION),
  kind: z.literal('AdmissionReview'),
  request: z.looseObject({
    uid: z.string().min(1),
    kind: z.looseObject({ group: z.string(), kind: z.string() }),
    resource: z.looseObject({ group: z.string(), resource: z.string() }),
    subResource: z.string().optional(),
    name: z.string().optional(),
    namespace: z.string().optional(),
    operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
    userInfo: z.looseObject({ username: z.string().optional() }).optional(),
    object,
    oldObject: object,
  }),
})

export type ReviewRequest = z.infer<typeof admissionReviewSchema>['request']

/** metav1.Status, as far as a refusal needs it. */
interface Status {
  code: number
  reason: string
  message: string
  details?: object
}

export interface ReviewResponse {
  uid: string
  allowed: boolean
  warnings?: readonly string[]
  status?: Status
  patchType?: 'JSONPatch'
  patch?: string
}

export function reviewOf(response: ReviewResponse) {
  return { apiVersion: ADMISSION_API_VERSION, kind: 'AdmissionReview', response }
}

export function responseOf(
  { uid, name, object: wanted, kind }: ReviewRequest,
  verdict: Verdict,
): ReviewResponse {
  if (verdict.allowed) {
    const { warnings } = verdict
    return { uid, allowed: true, ...(warnings.length === 0 ? {} : { warnings: warnings.map(short) }) }
  }
  if (verdict.reason === 'Forbidden') {
    return { uid, allowed: false, status: { code: 403, reason: 'Forbidden', message: verdict.message } }
  }
  const causes = verdict.problems.map(({ path, message }) => ({
    reason: 'FieldValueInvalid',
    field: path,
    message,
  }))
  const details = { name: name || wanted?.metadata.name || '', group: kind.group, kind: kind.kind, causes }
  return { uid, allowed: false, status: { code: 422, reason: 'Invalid', message: verdict.message, details } }
}

/** The changes as the API server takes them; none when there are none. */
export function mutationResponse(
  uid: string,
  before: object | undefined,
  after: object | undefined,
): ReviewResponse {
  const patch = before === undefined || after === undefined ? [] : createPatch(before, after)
  if (patch.length === 0) return { uid, allowed: true }
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64')
  return { uid, allowed: true, patchType: 'JSONPatch', patch: encoded }
}

/** Nobody could find out: the client is told to try again, as from an API server that is busy. */
export function unavailableResponse({ uid }: ReviewRequest, why: string): ReviewResponse {
  const message = `it could not be checked: ${why}; try again`
  return { uid, allowed: false, status: { code: 503, reason: 'ServiceUnavailable', message } }
}

/** The API server cuts warnings at 256 characters, and says so at length. */
function short(warning: string): string {
  return warning.length <= 256 ? warning : `${warning.slice(0, 255)}…`
}
