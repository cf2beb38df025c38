interface Entry<T> {
  readonly at: number
  readonly order: number
  readonly value: T
}

/** What is due when: the earliest first, of one time the one that was added first. A binary heap. */
export class TimerQueue<T> {
  readonly #heap: Entry<T>[] = []
  #order = 0

  add(at: number, value: T): void {
    const heap = this.#heap
    const entry = { at, order: this.#order++, value }
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !isBefore(entry, parent)) break
      heap[index] = parent
      index = above
    }
    heap[index] = entry
  }

  nextAt(): number | undefined {
    return this.#heap[0]?.at
  }

  take(): T | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return undefined
    if (heap.length > 0) this.#sink(last)
    return first.value
  }

  #sink(entry: Entry<T>): void {
    const heap = this.#heap
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const [first, second] = [heap[left], heap[left + 1]]
      const child = second !== undefined && first !== undefined && isBefore(second, first) ? left + 1 : left
      const smaller = heap[child]
      if (smaller === undefined || !isBefore(smaller, entry)) break
      heap[index] = smaller
      index = child
    }
    heap[index] = entry
  }
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
