import * as z from 'zod'
import { type KubeObject, kubeObjectSchema } from '../api/object.ts'
import { apiVersionOf, type Resource } from '../api/resource.ts'
import type { ObjectKey } from '../api/values/object-key.ts'
import { type Duration, type Instant, seconds } from '../api/values/time.ts'

export const LEASES: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
}

const leaseSchema = kubeObjectSchema.extend({
  spec: z
    .looseObject({
      holderIdentity: z.string().optional(),
      leaseDurationSeconds: z.number().optional(),
      acquireTime: z.string().optional(),
      leaseTransitions: z.number().optional(),
    })
    .optional(),
})

/** A coordination.k8s.io/v1 Lease, as far as an election needs it. */
export interface Lease {
  /** Changes with every write, and with every Lease made anew. */
  readonly version: string
  readonly uid: string | undefined
  /** '' when nobody holds it. */
  readonly holder: string
  /** What its holder promised; undefined when it says nothing. */
  readonly duration: Duration | undefined
  readonly acquireTime: string | undefined
  readonly transitions: number
  readonly object: KubeObject
}

/** @throws z.ZodError when it is no Lease */
export function parseLease(value: KubeObject): Lease {
  const { metadata, spec = {}, ...rest } = leaseSchema.parse(value)
  const { holderIdentity = '', leaseDurationSeconds, acquireTime, leaseTransitions = 0 } = spec
  return {
    version: `${metadata.uid} ${metadata.resourceVersion}`,
    uid: metadata.uid,
    holder: holderIdentity,
    duration: leaseDurationSeconds === undefined ? undefined : seconds(leaseDurationSeconds),
    acquireTime,
    transitions: leaseTransitions,
    object: { ...rest, metadata, spec },
  }
}

export interface LeaseClaim {
  readonly holder: string
  readonly duration: Duration
  /** By the clock on the wall: for people, never for decisions. */
  readonly now: Instant
}

/** The Lease that does not exist yet. */
export function newLease({ namespace, name }: ObjectKey, { holder, duration, now }: LeaseClaim): KubeObject {
  const time = microTime(now)
  return {
    apiVersion: apiVersionOf(LEASES),
    kind: LEASES.kind,
    metadata: { namespace, name },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: inSeconds(duration),
      acquireTime: time,
      renewTime: time,
      leaseTransitions: 0,
    },
  }
}

/** The same Lease, renewed by its holder or taken over; with its resourceVersion, so that writing it is a compare-and-set. */
export function heldLease(lease: Lease, { holder, duration, now }: LeaseClaim): KubeObject {
  const isRenewal = lease.holder === holder
  const time = microTime(now)
  return withSpec(lease, {
    holderIdentity: holder,
    leaseDurationSeconds: inSeconds(duration),
    acquireTime: isRenewal ? (lease.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: lease.transitions + (isRenewal ? 0 : 1),
  })
}

/** The same Lease, let go: whoever sees it may take it at once. */
export function releasedLease(lease: Lease, now: Instant): KubeObject {
  // As client-go leaves it; a duration of 0 is not valid.
  return withSpec(lease, { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(now) })
}

function withSpec({ object }: Lease, spec: Record<string, unknown>): KubeObject {
  const before = typeof object.spec === 'object' && object.spec !== null ? object.spec : {}
  return { ...object, spec: { ...before, ...spec } }
}

/** metav1.MicroTime takes exactly six digits. */
function microTime(instant: Instant): string {
  return new Date(instant).toISOString().replace('Z', '000Z')
}

/** Whole seconds, and never fewer than were meant. */
function inSeconds(duration: Duration): number {
  return Math.max(1, Math.ceil(duration / 1000))
}
