import type { KubeObject } from '../../api/object.ts'
import type { ApiCore } from '../api-core.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '../resources/builtin.ts'
import { resourcesOf } from '../resources/custom.ts'
import { CLEANUP_FINALIZER, readSpec } from '../resources/definition.ts'
import type { StoredChange } from '../storage/stored-change.ts'
import type { BackgroundTasks } from './background-tasks.ts'

/** Serves what CustomResourceDefinitions define, and cleans up behind a deleted one. */
export class DefinitionLifecycle {
  constructor(
    private readonly core: ApiCore,
    private readonly tasks: BackgroundTasks,
  ) {
    core.storage.onCommitted((change) => this.#onChange(change))
  }

  /** Must come before anything that looks at custom objects. */
  start(): void {
    for (const [, definition] of this.core.storage.entries(CUSTOM_RESOURCE_DEFINITIONS.storageKey)) {
      this.#serve(definition)
    }
  }

  #onChange({ storageKey, name, previous, next }: StoredChange): void {
    if (storageKey === CUSTOM_RESOURCE_DEFINITIONS.storageKey) {
      if (next) this.#serve(next)
      else this.#retire(name)
    } else if (previous && !next && this.core.storage.count(storageKey) === 0) {
      const [group, plural] = storageKey.split('/')
      const definition = this.core.storage.committed(
        CUSTOM_RESOURCE_DEFINITIONS.storageKey,
        '',
        `${plural}.${group}`,
      )
      if (definition?.metadata.deletionTimestamp !== undefined) this.#cleanUp(definition)
    }
  }

  #serve(definition: KubeObject): void {
    this.core.registry.define(definition.metadata.name, resourcesOf(readSpec(definition)))
    if (definition.metadata.deletionTimestamp !== undefined) this.#cleanUp(definition)
  }

  #retire(name: string): void {
    for (const { storageKey } of this.core.registry.definedBy(name)) this.core.closeWatches(storageKey)
    this.core.registry.undefine(name)
  }

  #cleanUp(definition: KubeObject): void {
    this.tasks.run(async () => {
      const resource = this.core.registry.definedBy(definition.metadata.name)[0]
      if (resource) await this.core.deleteCollection(resource, {})
      if (resource && this.core.storage.count(resource.storageKey) > 0) return
      await this.core.modify(CUSTOM_RESOURCE_DEFINITIONS, definition.metadata, (current) => ({
        ...current,
        metadata: {
          ...current.metadata,
          finalizers: current.metadata.finalizers?.filter((name) => name !== CLEANUP_FINALIZER),
        },
      }))
    })
  }
}
