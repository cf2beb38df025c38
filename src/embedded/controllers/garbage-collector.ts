import type { KubeObject, OwnerReference } from '../../api/object.ts'
import type { ApiCore } from '../api-core.ts'
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from '../operations/delete.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import type { StoredChange } from '../storage/stored-change.ts'
import type { BackgroundTasks } from './background-tasks.ts'

interface Located {
  resource: ServedResource
  object: KubeObject
}

/**
 * Deletes objects whose owners are all gone, and carries out foreground and orphaning deletions
 * (https://kubernetes.io/docs/concepts/architecture/garbage-collection/).
 */
export class GarbageCollector {
  /** Every object by uid. */
  readonly #objects = new Map<string, Located>()
  /** Owner uid → uids of what names it as an owner. */
  readonly #dependents = new Map<string, Set<string>>()

  constructor(
    private readonly core: ApiCore,
    private readonly tasks: BackgroundTasks,
  ) {
    core.storage.onCommitted((change) => this.#onChange(change))
  }

  /** Looks at everything once: owners may have gone just before the last stop. */
  start(): void {
    for (const resource of this.core.registry.stored()) {
      for (const [, object] of this.core.storage.entries(resource.storageKey)) this.#index(resource, object)
    }
    for (const uid of this.#objects.keys()) this.#examine(uid)
  }

  #onChange({ storageKey, previous, next }: StoredChange): void {
    if (previous) this.#unindex(previous)
    if (next) {
      const resource = this.core.registry.stored().find((candidate) => candidate.storageKey === storageKey)
      if (!resource) return
      this.#index(resource, next)
      this.#examine(uidOf(next))
    } else if (previous) {
      for (const dependent of this.#dependentsOf(uidOf(previous))) this.#examine(dependent)
      // An owner in foreground deletion may have waited for this one.
      for (const owner of previous.metadata.ownerReferences ?? []) this.#examine(owner.uid)
    }
  }

  #index(resource: ServedResource, object: KubeObject): void {
    const uid = uidOf(object)
    this.#objects.set(uid, { resource, object })
    for (const owner of object.metadata.ownerReferences ?? []) {
      this.#dependents.set(owner.uid, (this.#dependents.get(owner.uid) ?? new Set()).add(uid))
    }
  }

  #unindex(object: KubeObject): void {
    const uid = uidOf(object)
    this.#objects.delete(uid)
    for (const owner of object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid)
      dependents?.delete(uid)
      if (dependents?.size === 0) this.#dependents.delete(owner.uid)
    }
  }

  #dependentsOf(uid: string): string[] {
    return [...(this.#dependents.get(uid) ?? [])]
  }

  #examine(uid: string): void {
    const located = this.#objects.get(uid)
    if (!located) return
    const { metadata } = located.object
    const finalizers = metadata.deletionTimestamp === undefined ? [] : (metadata.finalizers ?? [])
    if (finalizers.includes(ORPHAN_FINALIZER)) this.tasks.run(() => this.#orphan(uid))
    else if (finalizers.includes(FOREGROUND_FINALIZER)) this.tasks.run(() => this.#deleteForeground(uid))
    if ((metadata.ownerReferences?.length ?? 0) > 0) this.tasks.run(() => this.#collect(uid))
  }

  async #collect(uid: string): Promise<void> {
    const located = this.#objects.get(uid)
    if (!located || located.object.metadata.deletionTimestamp !== undefined) return
    const { resource, object } = located
    const owners = object.metadata.ownerReferences ?? []
    const absent = owners.filter((owner) => this.#isAbsent(owner, object))
    if (absent.length === 0) return
    if (absent.length === owners.length) {
      await this.#delete(located, 'Background')
    } else {
      await this.core.modify(resource, object.metadata, (current) =>
        withoutOwners(
          current,
          absent.map((owner) => owner.uid),
        ),
      )
    }
  }

  /** An owner of a kind that is not served here cannot be looked up, so it is not taken for gone. */
  #isAbsent(owner: OwnerReference, dependent: KubeObject): boolean {
    if (!this.core.registry.findKind(owner.apiVersion, owner.kind)) return false
    const found = this.#objects.get(owner.uid)
    if (!found) return true
    const namespace = found.object.metadata.namespace ?? ''
    return namespace !== '' && namespace !== dependent.metadata.namespace
  }

  async #deleteForeground(uid: string): Promise<void> {
    const owner = this.#objects.get(uid)
    if (!owner) return
    const dependents = this.#dependentsOf(uid).flatMap((dependent) => this.#objects.get(dependent) ?? [])
    await Promise.all(
      dependents
        .filter(({ object }) => object.metadata.deletionTimestamp === undefined)
        .map((dependent) => this.#delete(dependent, 'Foreground')),
    )
    const blocked = this.#dependentsOf(uid).some((dependent) =>
      this.#objects
        .get(dependent)
        ?.object.metadata.ownerReferences?.some(
          (reference) => reference.uid === uid && reference.blockOwnerDeletion === true,
        ),
    )
    if (!blocked) await this.#finish(owner, FOREGROUND_FINALIZER)
  }

  async #orphan(uid: string): Promise<void> {
    const owner = this.#objects.get(uid)
    if (!owner) return
    await Promise.all(
      this.#dependentsOf(uid)
        .flatMap((dependent) => this.#objects.get(dependent) ?? [])
        .map(({ resource, object }) =>
          this.core.modify(resource, object.metadata, (current) => withoutOwners(current, [uid])),
        ),
    )
    await this.#finish(owner, ORPHAN_FINALIZER)
  }

  async #finish({ resource, object }: Located, finalizer: string): Promise<void> {
    await this.core.modify(resource, object.metadata, (current) => ({
      ...current,
      metadata: {
        ...current.metadata,
        finalizers: current.metadata.finalizers?.filter((name) => name !== finalizer),
      },
    }))
  }

  async #delete({ resource, object }: Located, propagation: 'Background' | 'Foreground'): Promise<void> {
    const { namespace = '', name, uid } = object.metadata
    await this.core.delete(resource, namespace, name, { preconditions: { uid }, propagation })
  }
}

function uidOf(object: KubeObject): string {
  return object.metadata.uid ?? ''
}

function withoutOwners(object: KubeObject, uids: string[]): KubeObject {
  const ownerReferences = object.metadata.ownerReferences?.filter((owner) => !uids.includes(owner.uid))
  return { ...object, metadata: { ...object.metadata, ownerReferences } }
}
