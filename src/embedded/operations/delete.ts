import type { KubeObject } from '../../api/object.ts'
import { formatInstant, type Instant } from '../../api/values/time.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { conflict } from '../status.ts'

export type Propagation = 'Background' | 'Foreground' | 'Orphan'

export interface Deletion {
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined
  propagation?: Propagation | undefined
}

export const FOREGROUND_FINALIZER = 'foregroundDeletion'
export const ORPHAN_FINALIZER = 'orphan'

/**
 * @returns the object as it lives on until its finalizers are done, or undefined when it goes at once
 * @throws ApiError 409 when a precondition does not hold
 */
export function prepareDelete(
  resource: ServedResource,
  current: KubeObject,
  deletion: Deletion,
  now: Instant,
): KubeObject | undefined {
  checkPreconditions(resource, current, deletion)
  const { metadata } = current
  const finalizers = withPropagation(metadata.finalizers ?? [], deletion.propagation)
  const isNamespace = resource.storageKey === '/namespaces'
  if (finalizers.length === 0 && !isNamespace) return undefined
  const marked = metadata.deletionTimestamp !== undefined
  const next: KubeObject = {
    ...current,
    metadata: {
      ...metadata,
      deletionTimestamp: metadata.deletionTimestamp ?? formatInstant(now),
      deletionGracePeriodSeconds: 0,
      ...(finalizers.length === 0 ? {} : { finalizers }),
      ...(metadata.generation === undefined || marked ? {} : { generation: metadata.generation + 1 }),
    },
  }
  return isNamespace ? { ...next, status: { phase: 'Terminating' } } : next
}

function withPropagation(finalizers: readonly string[], propagation: Propagation | undefined): string[] {
  const others = finalizers.filter((name) => name !== FOREGROUND_FINALIZER && name !== ORPHAN_FINALIZER)
  if (propagation === undefined) return [...finalizers]
  if (propagation === 'Background') return others
  return [...others, propagation === 'Foreground' ? FOREGROUND_FINALIZER : ORPHAN_FINALIZER]
}

function checkPreconditions(resource: ServedResource, { metadata }: KubeObject, deletion: Deletion): void {
  const { uid, resourceVersion } = deletion.preconditions ?? {}
  // The API server names the kind here, where it names the resource everywhere else (registry/rest/delete.go).
  const byKind = { group: resource.group, plural: resource.kind }
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`
    throw conflict(byKind, metadata.name, why)
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`
    throw conflict(byKind, metadata.name, why)
  }
}
