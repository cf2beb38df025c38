import type { IPv4Address } from '../api/values/ipv4-address.ts'

interface Node {
  readonly address: IPv4Address
  previous: Node | undefined
  next: Node | undefined
}

/**
 * Released addresses, first in first out, from which any may be taken: every method is O(1).
 * A Set would keep the order too, but V8 leaves a hole for each removed head and walks over all of them.
 */
export class ReleaseQueue {
  readonly #nodes = new Map<IPv4Address, Node>()
  #head: Node | undefined
  #tail: Node | undefined

  get head(): IPv4Address | undefined {
    return this.#head?.address
  }

  /** The address must not be queued already. */
  push(address: IPv4Address): void {
    const node: Node = { address, previous: this.#tail, next: undefined }
    this.#nodes.set(address, node)
    if (this.#tail === undefined) this.#head = node
    else this.#tail.next = node
    this.#tail = node
  }

  /** @returns whether it was queued */
  remove(address: IPv4Address): boolean {
    const node = this.#nodes.get(address)
    if (node === undefined) return false
    this.#nodes.delete(address)
    if (node.previous === undefined) this.#head = node.next
    else node.previous.next = node.next
    if (node.next === undefined) this.#tail = node.previous
    else node.next.previous = node.previous
    return true
  }
}
