import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../api/object.ts'
import { formatObjectKey, type ObjectKey } from '../api/values/object-key.ts'

/** The values under which an object is found. */
export type IndexFunction = (object: KubeObject) => readonly string[]

/** What happened to one object: no `object` when it is gone, no `previous` when it is new. */
export interface Change {
  readonly key: ObjectKey
  readonly object: KubeObject | undefined
  readonly previous: KubeObject | undefined
}

export class UnknownIndexError extends Error {
  override readonly name = 'UnknownIndexError'
  constructor(readonly index: string) {
    super(`there is no index "${index}"; add it with addIndex`)
  }
}

interface Index {
  readonly valuesOf: IndexFunction
  readonly keys: Map<string, Set<string>>
}

/** The objects of one kind by key and by index. Objects are shared: nobody may change one. */
export class ObjectCache {
  readonly #objects = new Map<string, KubeObject>()
  readonly #indexes = new Map<string, Index>()

  get(key: ObjectKey): KubeObject | undefined {
    return this.#objects.get(formatObjectKey(key))
  }

  list(): KubeObject[] {
    return [...this.#objects.values()]
  }

  addIndex(name: string, valuesOf: IndexFunction): void {
    const index: Index = { valuesOf, keys: new Map() }
    this.#indexes.set(name, index)
    for (const [key, object] of this.#objects) addTo(index, key, object)
  }

  /** @throws UnknownIndexError */
  byIndex(name: string, value: string): KubeObject[] {
    const index = this.#indexes.get(name)
    if (index === undefined) throw new UnknownIndexError(name)
    return [...(index.keys.get(value) ?? [])].flatMap((key) => this.#objects.get(key) ?? [])
  }

  /**
   * @returns what changed: nothing when the object is the same; first the deletion when it is another one of the same
   * name, because whoever looked after the old one has to hear of its end
   */
  set(object: KubeObject): Change[] {
    const key = keyOf(object)
    const previous = this.get(key)
    if (previous !== undefined && isSame(previous, object)) return []
    this.#store(key, object)
    if (previous !== undefined && previous.metadata.uid !== object.metadata.uid) {
      return [
        { key, object: undefined, previous },
        { key, object, previous: undefined },
      ]
    }
    return [{ key, object, previous }]
  }

  delete(key: ObjectKey): Change[] {
    const previous = this.get(key)
    if (previous === undefined) return []
    this.#store(key, undefined)
    return [{ key, object: undefined, previous }]
  }

  /** Makes the cache hold exactly `objects`. */
  replace(objects: readonly KubeObject[]): Change[] {
    const present = new Set(objects.map((object) => formatObjectKey(keyOf(object))))
    const gone = this.list().map(keyOf)
    const deletions = gone.filter((key) => !present.has(formatObjectKey(key)))
    return [...deletions.flatMap((key) => this.delete(key)), ...objects.flatMap((object) => this.set(object))]
  }

  #store(key: ObjectKey, object: KubeObject | undefined): void {
    const text = formatObjectKey(key)
    const previous = this.#objects.get(text)
    for (const index of this.#indexes.values()) {
      if (previous !== undefined) removeFrom(index, text, previous)
      if (object !== undefined) addTo(index, text, object)
    }
    if (object === undefined) this.#objects.delete(text)
    else this.#objects.set(text, object)
  }
}

export function keyOf(object: KubeObject): ObjectKey {
  return { namespace: object.metadata.namespace ?? '', name: object.metadata.name }
}

/** Equal versions alone prove nothing: a restored backup counts them up again. */
function isSame(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.resourceVersion === b.metadata.resourceVersion && isDeepStrictEqual(a, b)
}

function addTo(index: Index, key: string, object: KubeObject): void {
  for (const value of index.valuesOf(object)) {
    const keys = index.keys.get(value)
    if (keys === undefined) index.keys.set(value, new Set([key]))
    else keys.add(key)
  }
}

function removeFrom(index: Index, key: string, object: KubeObject): void {
  for (const value of index.valuesOf(object)) {
    const keys = index.keys.get(value)
    keys?.delete(key)
    if (keys?.size === 0) index.keys.delete(value)
  }
}
