import type { KubeObject } from '../../api/object.ts'

/** One committed change of one object. Objects in here are never modified in place. */
export interface StoredChange {
  readonly storageKey: string
  readonly namespace: string
  readonly name: string
  readonly revision: number
  readonly previous: KubeObject | undefined
  /** Undefined: the object is gone. */
  readonly next: KubeObject | undefined
  /** For a deletion: the last state of the object, with the revision of the deletion. */
  readonly removed: KubeObject | undefined
  /** Size of the JSON text, which is what history is bounded by. */
  readonly bytes: number
}

/** Sorts as etcd does: by namespace, then by name. */
export function objectId(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`
}
