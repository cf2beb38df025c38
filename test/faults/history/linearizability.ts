import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import { describeTime, type PoolOperation } from './events.ts'
import { EMPTY_POOL, type Held, outcomesOf, type PoolModel, poolKey } from './pool-model.ts'

export type Verdict =
  | { readonly type: 'linearizable'; readonly order: readonly PoolOperation[] }
  | {
      readonly type: 'not-linearizable'
      /** The longest order that explains what was answered. */
      readonly explained: readonly PoolOperation[]
      /** What the pool would be then. */
      readonly pool: PoolModel
      /** Of these one would have to be next, and none can. */
      readonly stuck: readonly PoolOperation[]
    }
  /** The search was given up: the history is too long or too concurrent. */
  | { readonly type: 'unknown'; readonly steps: number }

export interface SearchOptions {
  /** What the pool surely was before the first of the operations was called. */
  readonly initial?: PoolModel
  readonly maximumSteps?: number
}

/**
 * Whether there is an order of the operations, each at a moment between its call and its answer, in which a pool that
 * does one after the other would have given the same answers. Wing & Gong's search with Lowe's memory of what was tried
 * ("Testing for linearizability", 2017). An operation without an answer may come at any time after its call, or never.
 */
export function checkLinearizable(
  history: readonly PoolOperation[],
  { initial = EMPTY_POOL, maximumSteps = 200_000 }: SearchOptions = {},
): Verdict {
  const order: PoolOperation[] = []
  let steps = 0
  for (const part of independentParts(history, initial)) {
    const search = new Search(part, initial, maximumSteps - steps)
    const found = search.run()
    steps += search.steps
    if (found === 'given-up') return { type: 'unknown', steps }
    if (!found) return { type: 'not-linearizable', ...search.longest() }
    order.push(...search.longest().explained)
  }
  return { type: 'linearizable', order }
}

/** For people: what could be explained, and what could not. */
export function tellVerdict(verdict: Verdict): string {
  if (verdict.type === 'linearizable') return `linearizable: ${verdict.order.length} operations`
  if (verdict.type === 'unknown') return `not decided in ${verdict.steps} steps`
  const holders = [...verdict.pool].map(
    ([mac, held]) => `${typeof held === 'number' ? formatIPv4Address(held) : held} ${mac}`,
  )
  return [
    'no order of the operations explains their answers. The longest that does:',
    ...verdict.explained.map((operation) => `  ${tellOperation(operation)}`),
    `then the pool is: ${holders.join(', ') || 'empty'}; and none of these can be next:`,
    ...verdict.stuck.map((operation) => `  ${tellOperation(operation)}`),
  ].join('\n')
}

export function tellOperation({ type, mac, invokedAt, respondedAt, outcome }: PoolOperation): string {
  const answer = outcome.type === 'address' ? formatIPv4Address(outcome.address) : outcome.type
  const until = outcome.type === 'unknown' ? 'never' : describeTime(respondedAt)
  return `${describeTime(invokedAt)} to ${until}: ${type}(${mac}) = ${answer}`
}

/** MACs that were never told the same address have nothing to do with each other: each part is searched for itself. */
function independentParts(history: readonly PoolOperation[], initial: PoolModel): PoolOperation[][] {
  const parents = new Map<MacAddress, MacAddress>()
  const rootOf = (mac: MacAddress): MacAddress => {
    const parent = parents.get(mac) ?? mac
    return parent === mac ? mac : rootOf(parent)
  }
  const told = new Map<Held, MacAddress>([...initial].map(([mac, held]) => [held, mac]))
  for (const { mac, outcome } of history) {
    if (outcome.type !== 'address') continue
    const other = told.get(outcome.address)
    if (other === undefined) told.set(outcome.address, mac)
    else if (rootOf(other) !== rootOf(mac)) parents.set(rootOf(mac), rootOf(other))
  }
  const parts = new Map<MacAddress, PoolOperation[]>()
  for (const operation of history) {
    const root = rootOf(operation.mac)
    const part = parts.get(root)
    if (part === undefined) parts.set(root, [operation])
    else part.push(operation)
  }
  return [...parts.values()]
}

class Search {
  steps = 0
  readonly #operations: readonly PoolOperation[]
  readonly #initial: PoolModel
  readonly #maximum: number
  readonly #told = new Map<MacAddress, IPv4Address[]>()
  readonly #answered: number
  readonly #tried = new Set<string>()
  readonly #done: boolean[]
  readonly #order: number[] = []
  #best: { order: readonly number[]; pool: PoolModel }

  constructor(operations: readonly PoolOperation[], initial: PoolModel, maximum: number) {
    this.#initial = initial
    this.#best = { order: [], pool: initial }
    this.#operations = [...operations].sort((a, b) => a.invokedAt - b.invokedAt)
    this.#maximum = maximum
    this.#done = this.#operations.map(() => false)
    this.#answered = this.#operations.filter(({ outcome }) => outcome.type !== 'unknown').length
    for (const { mac, outcome } of this.#operations) {
      if (outcome.type !== 'address') continue
      const told = this.#told.get(mac) ?? []
      if (!told.includes(outcome.address)) this.#told.set(mac, [...told, outcome.address])
    }
  }

  run(): boolean | 'given-up' {
    return this.#search(this.#initial, this.#answered)
  }

  longest(): { explained: PoolOperation[]; pool: PoolModel; stuck: PoolOperation[] } {
    const { order, pool } = this.#best
    const done = new Set(order)
    const stuck = this.#candidates((index) => done.has(index))
    return { explained: this.#at(order), pool, stuck: this.#at(stuck) }
  }

  /** @param left operations whose answer is still to be explained */
  #search(pool: PoolModel, left: number): boolean | 'given-up' {
    if (this.#order.length > this.#best.order.length) this.#best = { order: [...this.#order], pool }
    if (left === 0) {
      this.#best = { order: [...this.#order], pool }
      return true
    }
    if (++this.steps > this.#maximum) return 'given-up'
    const here = `${this.#done.map(Number).join('')} ${poolKey(pool)}`
    if (this.#tried.has(here)) return false
    this.#tried.add(here)
    for (const index of this.#candidates((candidate) => this.#done[candidate] === true)) {
      const [operation] = this.#at([index])
      if (operation === undefined) continue
      const cost = operation.outcome.type === 'unknown' ? 0 : 1
      this.#done[index] = true
      this.#order.push(index)
      for (const next of outcomesOf(pool, operation, this.#told.get(operation.mac) ?? [])) {
        const found = this.#search(next, left - cost)
        if (found !== false) return found
      }
      this.#order.pop()
      this.#done[index] = false
    }
    return false
  }

  /** What may be next: called before the first of the others was answered. Those with an answer first. */
  #candidates(isDone: (index: number) => boolean): number[] {
    const open = this.#operations
      .map((operation, index) => ({ operation, index }))
      .filter(({ index }) => !isDone(index))
    const answers = open.filter(({ operation }) => operation.outcome.type !== 'unknown')
    const firstAnswer = Math.min(...answers.map(({ operation }) => operation.respondedAt))
    const possible = open.filter(({ operation }) => operation.invokedAt <= firstAnswer)
    const isUnknown = ({ operation }: (typeof open)[number]) => Number(operation.outcome.type === 'unknown')
    return possible.sort((a, b) => isUnknown(a) - isUnknown(b)).map(({ index }) => index)
  }

  #at(indices: readonly number[]): PoolOperation[] {
    return indices.flatMap((index) => this.#operations[index] ?? [])
  }
}
