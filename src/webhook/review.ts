import type { Logger } from 'pino'
import { IP_POOLS, VM_NETWORK_CONFIGS } from '../api/resource.ts'
import { between, type Duration, milliseconds } from '../api/values/time.ts'
import { StoreError } from '../kube/errors.ts'
import type { Clock } from '../runtime/clock.ts'
import {
  mutationResponse,
  type ReviewRequest,
  type ReviewResponse,
  responseOf,
  unavailableResponse,
} from './admission-review.ts'
import { mutate, validate } from './admit.ts'
import type { ClusterView } from './cluster-view.ts'
import type { AdmissionMetrics } from './metrics.ts'
import type { AdmissionRequest } from './verdict.ts'

export interface ReviewerOptions {
  view: ClusterView
  clock: Clock
  log: Logger
  metrics: AdmissionMetrics
  /** Whose writes are never refused nor changed: the controller's, which says in the status what is wrong. */
  trustedUsers: ReadonlySet<string>
}

export type ReviewKind = 'mutate' | 'validate'

/** Answers one review within `patience`; never rejects. */
export type Reviewer = (
  kind: ReviewKind,
  request: ReviewRequest,
  patience: Duration,
) => Promise<ReviewResponse>

/** The cluster did not answer in the time that the API server gives. */
export class ReviewTimeoutError extends Error {
  override readonly name = 'ReviewTimeoutError'
  constructor(patience: Duration) {
    super(`the cluster did not answer within ${patience} ms`)
  }
}

const KINDS = new Map([IP_POOLS, VM_NETWORK_CONFIGS].map((kind) => [kind.plural, kind]))

export function createReviewer({ view, clock, log, metrics, trustedUsers }: ReviewerOptions): Reviewer {
  async function decide(kind: ReviewKind, review: ReviewRequest): Promise<ReviewResponse> {
    const request = toAdmissionRequest(review)
    const isTrusted = trustedUsers.has(review.userInfo?.username ?? '')
    if (request === undefined || isTrusted) return { uid: review.uid, allowed: true }
    return kind === 'mutate'
      ? mutationResponse(review.uid, request.object, await mutate(request, view))
      : responseOf(review, await validate(request, view, { missingNetwork: 'refuse' }))
  }

  return async (kind, review, patience) => {
    const began = clock.now()
    const { name, namespace, operation, resource, userInfo } = review
    const about = {
      review: kind,
      operation,
      resource: resource.resource,
      namespace,
      name,
      user: userInfo?.username,
    }
    let response: ReviewResponse
    try {
      response = await within(clock, patience, decide(kind, review))
    } catch (error) {
      const isKnown = error instanceof StoreError || error instanceof ReviewTimeoutError
      log[isKnown ? 'warn' : 'error']({ err: error, ...about }, 'admission could not be decided')
      const why = error instanceof Error ? error.message : String(error)
      response = unavailableResponse(review, isKnown ? why : 'the webhook failed, see its log')
    }
    if (!response.allowed) log.info({ ...about, reason: response.status?.message }, 'admission refused')
    metrics.reviewed({
      kind: KINDS.get(resource.resource)?.kind ?? 'other',
      operation,
      review: kind,
      allowed: response.allowed,
      duration: between(began, clock.now()),
    })
    return response
  }
}

/** Undefined for what is nothing of ours: other kinds, subresources. */
function toAdmissionRequest(review: ReviewRequest): AdmissionRequest | undefined {
  const { operation, resource, subResource, object, oldObject, namespace } = review
  const kind = KINDS.get(resource.resource)
  if (kind === undefined || kind.group !== resource.group || subResource || operation === 'CONNECT')
    return undefined
  // Of an object that is being made, the namespace may stand in the request only.
  const placed = object && {
    ...object,
    metadata: { ...object.metadata, namespace: object.metadata.namespace ?? namespace },
  }
  return { operation, resource: kind, object: placed, oldObject }
}

async function within<T>(clock: Clock, patience: Duration, work: Promise<T>): Promise<T> {
  let cancel = () => {}
  const timeout = new Promise<never>((_, reject) => {
    cancel = clock.after(milliseconds(patience), () => reject(new ReviewTimeoutError(patience)))
  })
  try {
    return await Promise.race([work, timeout])
  } finally {
    cancel()
  }
}
