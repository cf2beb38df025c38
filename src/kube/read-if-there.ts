import type { KubeObject } from '../api/object.ts'
import type { Resource } from '../api/resource.ts'
import type { ObjectKey } from '../api/values/object-key.ts'
import { NotFoundError } from './errors.ts'
import type { Store } from './store.ts'

/** The current object; undefined when there is none. @throws StoreError when that could not be learned */
export async function readIfThere(
  store: Store,
  resource: Resource,
  key: ObjectKey,
): Promise<KubeObject | undefined> {
  try {
    return await store.get(resource, key)
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}
