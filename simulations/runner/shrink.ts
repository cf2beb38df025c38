import type { Plan } from '../plan/plan.ts'
import { ddmin } from './ddmin.ts'
import { countParts, partsOf, withParts } from './plan-parts.ts'
import type { Violation } from './result.ts'
import { HIGHEST_SEED } from './seeds.ts'
import { simplerFaults } from './simplify-faults.ts'
import { simplerOperations, usualPools } from './simplify-operations.ts'
import {
  fewerMachines,
  fewerNetworks,
  shorterWaits,
  simplerProcesses,
  sooner,
  withoutLaterParts,
} from './simplify-plan.ts'

/** How far shrinking is. */
export interface ShrinkProgress {
  readonly runs: number
  readonly mostRuns: number
  /** Operations and faults that are left. */
  readonly parts: number
}

export interface ShrinkOptions {
  /** What the plan violates, when it is known. */
  readonly violation: Violation
  readonly mostRuns?: number
  /** So many plans are tried at once; what comes out does not depend on it. */
  readonly parallel?: number
  /** Asked before each run: the smallest plan so far will do. */
  readonly isOutOfTime?: () => boolean
  readonly progress?: (progress: ShrinkProgress) => void
}

export interface Shrunk {
  readonly plan: Plan
  readonly violation: Violation
  readonly runs: number
  /** False: there was no time to try everything. */
  readonly isFinished: boolean
}

/** Of a plan with more parts than these, other seeds would take too many runs. */
const FEW_PARTS = 16
const OTHER_SEEDS = 3

/**
 * A small plan that violates the same law. Takes away operations and faults, then makes simpler what is left, until
 * nothing works any more; the same plan and the same `fails` come to the same.
 * @param fails what a plan violates
 */
export async function shrink(
  plan: Plan,
  fails: (plan: Plan) => Promise<Violation | undefined>,
  options: ShrinkOptions,
): Promise<Shrunk> {
  const search = new Search(plan, fails, options)
  const passes: readonly ((plan: Plan, violation: Violation) => Plan[])[] = [
    fewerNetworks,
    simplerProcesses,
    simplerOperations,
    usualPools,
    simplerFaults,
    sooner,
    shorterWaits,
  ]
  await search.exhaust(withoutLaterParts)
  await search.exhaust(fewerMachines)
  for (let before = ''; before !== search.text && !search.isOver(); ) {
    before = search.text
    await search.fewerParts()
    for (const pass of passes) await search.exhaust(pass)
    if (before === search.text) await search.exhaust(otherSeeds)
  }
  const { best, violation, runs } = search
  return { plan: best, violation, runs, isFinished: !search.isOver() }
}

/** A part less may need other chance: which message of a lossy link is lost, for example. */
function otherSeeds(plan: Plan): Plan[] {
  const parts = partsOf(plan)
  if (parts.length > FEW_PARTS) return []
  return Array.from(
    { length: OTHER_SEEDS },
    (_, index) => (plan.seed + 1 + index) % (HIGHEST_SEED + 1),
  ).flatMap((seed) => parts.map((_, index) => ({ ...withParts(plan, parts.toSpliced(index, 1)), seed })))
}

class Search {
  best: Plan
  violation: Violation
  runs = 0
  readonly #fails: (plan: Plan) => Promise<Violation | undefined>
  readonly #options: ShrinkOptions
  readonly #mostRuns: number
  readonly #tried = new Set<string>()

  constructor(plan: Plan, fails: (plan: Plan) => Promise<Violation | undefined>, options: ShrinkOptions) {
    this.best = plan
    this.violation = options.violation
    this.#fails = fails
    this.#options = options
    this.#mostRuns = options.mostRuns ?? 500
    this.#tried.add(this.text)
  }

  get text(): string {
    return JSON.stringify(this.best)
  }

  isOver(): boolean {
    return this.runs >= this.#mostRuns || this.#options.isOutOfTime?.() === true
  }

  async fewerParts(): Promise<void> {
    const plan = this.best
    await ddmin(partsOf(plan), (subsets) => this.#adoptFirst(subsets.map((parts) => withParts(plan, parts))))
  }

  /** Again and again, as long as one of its proposals still fails. */
  async exhaust(propose: (plan: Plan, violation: Violation) => Plan[]): Promise<void> {
    while ((await this.#adoptFirst(propose(this.best, this.violation))) !== undefined);
  }

  /** @returns which of them is the best plan now, the first that fails in the same way */
  async #adoptFirst(candidates: readonly Plan[]): Promise<number | undefined> {
    const { parallel = 1, progress } = this.#options
    const untried = candidates
      .map((plan, index) => ({ plan, index, text: JSON.stringify(plan) }))
      .filter(({ text }) => !this.#tried.has(text))
    for (let from = 0; from < untried.length && !this.isOver(); from += parallel) {
      const batch = untried.slice(from, from + Math.min(parallel, this.#mostRuns - this.runs))
      const violations = await Promise.all(batch.map(({ plan }) => this.#fails(plan)))
      for (const [offset, { plan, index, text }] of batch.entries()) {
        // What was run ahead of a plan that fails counts for nothing: the same happens with more or fewer at once.
        this.runs += 1
        this.#tried.add(text)
        const violation = violations[offset]
        if (violation?.law !== this.violation.law) continue
        this.best = plan
        this.violation = violation
        progress?.({ runs: this.runs, mostRuns: this.#mostRuns, parts: countParts(plan) })
        return index
      }
      progress?.({ runs: this.runs, mostRuns: this.#mostRuns, parts: countParts(this.best) })
    }
    return undefined
  }
}
