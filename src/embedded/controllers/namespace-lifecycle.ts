import type { KubeObject } from '../../api/object.ts'
import type { ApiCore } from '../api-core.ts'
import { fieldsOf } from '../json.ts'
import { NAMESPACES } from '../resources/builtin.ts'
import type { StoredChange } from '../storage/stored-change.ts'
import type { BackgroundTasks } from './background-tasks.ts'

/** Empties a namespace that is being deleted, then lets it go. */
export class NamespaceLifecycle {
  /** Namespace → how many objects it holds. */
  readonly #counts = new Map<string, number>()

  constructor(
    private readonly core: ApiCore,
    private readonly tasks: BackgroundTasks,
  ) {
    core.storage.onCommitted((change) => this.#onChange(change))
  }

  start(): void {
    for (const resource of this.core.registry.stored()) {
      for (const [, object] of this.core.storage.entries(resource.storageKey)) this.#count(object, 1)
    }
    for (const [, namespace] of this.core.storage.entries(NAMESPACES.storageKey)) this.#examine(namespace)
  }

  #onChange({ storageKey, namespace, previous, next }: StoredChange): void {
    if (storageKey === NAMESPACES.storageKey) {
      if (next) this.#examine(next)
      return
    }
    if (previous && !next) this.#count(previous, -1)
    if (next && !previous) this.#count(next, 1)
    if (next || namespace === '') return
    const owner = this.core.storage.committed(NAMESPACES.storageKey, '', namespace)
    if (owner?.metadata.deletionTimestamp !== undefined) this.tasks.run(() => this.#finish(owner))
  }

  #count({ metadata: { namespace } }: KubeObject, difference: number): void {
    if (!namespace) return
    const count = (this.#counts.get(namespace) ?? 0) + difference
    if (count === 0) this.#counts.delete(namespace)
    else this.#counts.set(namespace, count)
  }

  #examine(namespace: KubeObject): void {
    if (namespace.metadata.deletionTimestamp === undefined) return
    this.tasks.run(async () => {
      await this.#empty(namespace.metadata.name)
      await this.#finish(namespace)
    })
  }

  async #empty(namespace: string): Promise<void> {
    const kinds = this.core.registry.stored().filter((resource) => resource.namespaced)
    await Promise.all(kinds.map((resource) => this.core.deleteCollection(resource, { namespace })))
  }

  async #finish(namespace: KubeObject): Promise<void> {
    if (this.#counts.has(namespace.metadata.name)) return
    await this.core.modify(NAMESPACES, namespace.metadata, (current) => ({
      ...current,
      spec: { ...fieldsOf(current.spec), finalizers: [] },
    }))
  }
}
