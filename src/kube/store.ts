import type { KubeObject } from '../api/object.ts'
import type { Resource } from '../api/resource.ts'
import type { ObjectKey } from '../api/values/object-key.ts'

/**
 * The Kubernetes API as the actors see it. Implemented by `client.ts` over HTTP and by
 * `embedded/direct-store.ts` in one process; the same contract tests run on both.
 *
 * Every method rejects with a `StoreError` subclass (`errors.ts`) and never with anything else.
 * Objects that come out belong to the caller; objects that go in are not kept.
 */
export interface Store {
  /** Reads the current object, not a cached one. @throws NotFoundError */
  get(resource: Resource, key: ObjectKey): Promise<KubeObject>
  list(resource: Resource, options?: ListOptions): Promise<ObjectList>
  /**
   * Reports every change after `resourceVersion`, in order, until `ended`, which is called exactly once.
   * Bookmarks move the resume point and carry nothing else.
   */
  watch(resource: Resource, options: WatchOptions, handler: WatchHandler): WatchHandle
  /** @throws AlreadyExistsError, InvalidObjectError */
  create(resource: Resource, object: KubeObject): Promise<KubeObject>
  /** PUT. With metadata.resourceVersion a compare-and-set. @throws ConflictError, NotFoundError, InvalidObjectError */
  update(resource: Resource, object: KubeObject, subresource?: Subresource): Promise<KubeObject>
  /**
   * RFC 7386 merge patch, or RFC 6902 JSON patch. A merge patch that holds metadata.resourceVersion is a
   * compare-and-set. @throws ConflictError, NotFoundError, InvalidObjectError
   */
  patch(resource: Resource, key: ObjectKey, patch: Patch, subresource?: Subresource): Promise<KubeObject>
  /** Resolves when the deletion was accepted; finalizers may keep the object. @throws NotFoundError, ConflictError */
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<void>
  /**
   * Where writes may have to wait for their turn: the same store for who writes only while `mayWrite` says so, asked as a
   * write leaves. @throws NotLeadingError
   */
  fenced?(mayWrite: () => boolean): Store
}

export type Subresource = 'status'

export interface ListOptions {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
}

export interface ObjectList {
  items: KubeObject[]
  /** Where a watch goes on from. */
  resourceVersion: string
}

export interface WatchOptions extends ListOptions {
  resourceVersion: string
}

export interface WatchHandler {
  event(event: WatchEvent): void
  /** No error: the server closed it normally, resume. ExpiredError: list again. Else: back off, then resume or list. */
  ended(error?: Error): void
}

export type WatchEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject }
  | { type: 'BOOKMARK'; resourceVersion: string }

export interface WatchHandle {
  /** No event is reported afterwards; `ended` is still called once. */
  stop(): void
}

export type Patch =
  | { type: 'merge'; body: Record<string, unknown> }
  | { type: 'json'; body: readonly JsonPatchOperation[] }

export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  path: string
  from?: string
  value?: unknown
}

export interface DeleteOptions {
  uid?: string
  resourceVersion?: string
}
