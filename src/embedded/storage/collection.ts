import type { KubeObject } from '../../api/object.ts'

/** The committed objects of one kind. */
export class Collection {
  readonly #objects = new Map<string, KubeObject>()
  #sortedIds: string[] | undefined

  get size(): number {
    return this.#objects.size
  }

  get(id: string): KubeObject | undefined {
    return this.#objects.get(id)
  }

  set(id: string, object: KubeObject | undefined): void {
    if (object === undefined ? this.#objects.delete(id) : !this.#objects.has(id)) this.#sortedIds = undefined
    if (object !== undefined) this.#objects.set(id, object)
  }

  /** In the order of their ids, so that a chunked list has something to go on from. */
  *entries(): Generator<[id: string, object: KubeObject]> {
    this.#sortedIds ??= [...this.#objects.keys()].sort()
    for (const id of this.#sortedIds) {
      const object = this.#objects.get(id)
      if (object) yield [id, object]
    }
  }
}
