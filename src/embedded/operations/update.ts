import type { KubeObject, ObjectMeta } from '../../api/object.ts'
import type { Subresource } from '../../kube/store.ts'
import { omit, sameJson } from '../json.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { forbiddenValue, invalidValue } from '../schema/causes.ts'
import { conflict, invalid, type StatusCause } from '../status.ts'

/**
 * What becomes of `current` when a client sends `incoming`: what the server owns stays as it is.
 * @throws ApiError 409 (resourceVersion, uid) or 422
 */
export function prepareUpdate(
  resource: ServedResource,
  current: KubeObject,
  incoming: KubeObject,
  subresource?: Subresource,
): KubeObject {
  const { name } = current.metadata
  checkResourceVersion(resource, current.metadata, incoming.metadata)
  const { uid } = incoming.metadata
  if (uid !== undefined && uid !== current.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`
    throw conflict(resource, name, why)
  }
  if (subresource === 'status') return withStatusOf(incoming, current)
  const causes = immutableCauses(current.metadata, incoming.metadata)
  if (causes.length > 0) throw invalid(resource, name, causes)
  const next: KubeObject = {
    ...(resource.statusSubresource ? withStatusOf(current, incoming) : incoming),
    metadata: {
      ...incoming.metadata,
      ...serverOwned(current.metadata),
      ...(resource.namespaced ? { namespace: current.metadata.namespace } : {}),
    },
  }
  return withGeneration(resource, current, next)
}

/** True when storing `next` would change nothing but the resourceVersion. */
export function changesNothing(current: KubeObject, next: KubeObject): boolean {
  return sameJson(comparable(current), comparable(next))
}

/** An update that leaves a deleted object without finalizers is the last one. */
export function completesDeletion({ apiVersion, kind, metadata, spec }: KubeObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) return false
  const isNamespace = apiVersion === 'v1' && kind === 'Namespace'
  return !isNamespace || sameJson(spec, { finalizers: [] })
}

function checkResourceVersion(resource: ServedResource, current: ObjectMeta, incoming: ObjectMeta): void {
  const wanted = incoming.resourceVersion
  if (wanted === undefined) {
    if (resource.allowsUnconditionalUpdate) return
    const cause = {
      reason: 'FieldValueInvalid',
      message: 'Invalid value: 0: must be specified for an update',
      field: 'metadata.resourceVersion',
    }
    throw invalid(resource, current.name, [cause])
  }
  if (wanted !== current.resourceVersion) throw conflict(resource, current.name)
}

function withStatusOf(statusFrom: KubeObject, rest: KubeObject): KubeObject {
  const { status } = statusFrom
  const kept = { ...omit(rest, 'status'), metadata: rest.metadata }
  return status === undefined ? kept : { ...kept, status }
}

function serverOwned(current: ObjectMeta): Partial<ObjectMeta> {
  const { name, uid, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = current
  const { generateName } = current
  const owned = {
    name,
    uid,
    generation,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generateName,
  }
  return Object.fromEntries(Object.entries(owned).filter(([, value]) => value !== undefined))
}

function immutableCauses(current: ObjectMeta, incoming: ObjectMeta): StatusCause[] {
  const causes: StatusCause[] = []
  for (const field of ['creationTimestamp', 'deletionTimestamp'] as const) {
    const value = incoming[field]
    if (value !== undefined && !sameTime(value, current[field])) {
      causes.push(invalidValue(`metadata.${field}`, value, 'field is immutable'))
    }
  }
  if (current.deletionTimestamp !== undefined) {
    const added = (incoming.finalizers ?? []).filter((finalizer) => !current.finalizers?.includes(finalizer))
    if (added.length > 0) {
      const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ')
      causes.push(
        forbiddenValue(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
        ),
      )
    }
  }
  return causes
}

/** Clients write times back in forms of their own, with milliseconds for example. */
function sameTime(a: string, b: string | undefined): boolean {
  return b !== undefined && Math.trunc(Date.parse(a) / 1000) === Math.trunc(Date.parse(b) / 1000)
}

/** Generation counts what the user asks for: everything but metadata and, where it has an endpoint, status. */
function withGeneration(resource: ServedResource, current: KubeObject, next: KubeObject): KubeObject {
  if (!resource.tracksGeneration) return next
  const asked = (object: KubeObject) =>
    resource.statusSubresource ? omit(object, 'metadata', 'status') : omit(object, 'metadata')
  if (sameJson(asked(current), asked(next))) return next
  return { ...next, metadata: { ...next.metadata, generation: (current.metadata.generation ?? 0) + 1 } }
}

function comparable(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: undefined, managedFields: undefined } }
}
