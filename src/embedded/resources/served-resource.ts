import type { KubeObject } from '../../api/object.ts'
import { apiVersionOf, type Resource } from '../../api/resource.ts'
import type { Instant } from '../../api/values/time.ts'
import type { StructuralSchema } from '../schema/structural.ts'
import type { Validator } from '../schema/validator.ts'

/** One column of `kubectl get`. */
export interface Column {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  /** 0 is always shown, above that only with `-o wide`. */
  readonly priority: number
  value(object: KubeObject, now: Instant): unknown
}

/** A kind in one version, with all that the server needs to serve it. */
export interface ServedResource extends Resource {
  readonly singular: string
  readonly listKind: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly string[]
  /** `group/plural`; the versions of a kind share their objects. */
  readonly storageKey: string
  /** Whether status has an endpoint of its own and is left alone by the main one. */
  readonly statusSubresource: boolean
  readonly tracksGeneration: boolean
  /** Whether a PUT may come without metadata.resourceVersion. */
  readonly allowsUnconditionalUpdate: boolean
  readonly custom: boolean
  readonly schema: StructuralSchema
  readonly validate: Validator
  /** Without NAME (and NAMESPACE), which come first in any case. */
  readonly columns: readonly Column[]
  /** From the stored form to this version's form and back; absent when they are the same. */
  readonly convert?: { fromStored(object: KubeObject): KubeObject; toStored(object: KubeObject): KubeObject }
}

export const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

export function groupVersionOf(resource: Resource): string {
  return apiVersionOf(resource)
}

/** The stored object as this version shows it. */
export function present(resource: ServedResource, stored: KubeObject): KubeObject {
  const apiVersion = apiVersionOf(resource)
  if (stored.apiVersion === apiVersion && stored.kind === resource.kind) return stored
  return resource.convert
    ? resource.convert.fromStored(stored)
    : { ...stored, apiVersion, kind: resource.kind }
}
