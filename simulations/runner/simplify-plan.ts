import type { Plan } from '../plan/plan.ts'
import { partsOf, withoutNetwork, withParts } from './plan-parts.ts'
import type { Violation } from './result.ts'

/** Between two things that happen; a longer wait is worth shortening. */
const LONG_WAIT = 2000
const SHORT_WAIT = 1000

/** What comes later cannot have caused it. */
export function withoutLaterParts(plan: Plan, violation: Violation): Plan[] {
  const parts = partsOf(plan)
  const before = parts.filter(({ value }) => value.at <= violation.at)
  return before.length < parts.length ? [withParts(plan, before)] : []
}

/** Everything about one VM less. */
export function fewerMachines(plan: Plan): Plan[] {
  const names = new Set(plan.operations.flatMap((operation) => ('vm' in operation ? [operation.vm] : [])))
  return [...names].map((name) => ({
    ...plan,
    operations: plan.operations.filter((operation) => !('vm' in operation && operation.vm === name)),
  }))
}

export function fewerNetworks(plan: Plan): Plan[] {
  return plan.networks.length === 1 ? [] : plan.networks.map(({ name }) => withoutNetwork(plan, name))
}

/** Fewer processes, and such as are usual. */
export function simplerProcesses(plan: Plan): Plan[] {
  const simpler: Plan[] = []
  for (let controllers = 1; controllers < plan.controllers; controllers++) {
    simpler.push({ ...plan, controllers })
  }
  plan.networks.forEach((network, index) => {
    if (network.agents > 1) {
      simpler.push({ ...plan, networks: plan.networks.with(index, { ...network, agents: 1 }) })
    }
  })
  if (!plan.leaderElection) simpler.push({ ...plan, leaderElection: true })
  if (!plan.localFirst) simpler.push({ ...plan, localFirst: true })
  return simpler
}

/** Healed as soon as nothing more is to happen. */
export function sooner(plan: Plan): Plan[] {
  const starts = partsOf(plan).map(({ value }) => value.at + 1)
  const ends = plan.faults.map((fault) => fault.at + ('lasts' in fault ? fault.lasts : 0) + 1)
  const lengths = new Set([Math.max(1, ...starts), Math.max(1, ...starts, ...ends)])
  return [...lengths]
    .filter((durationMs) => durationMs < plan.durationMs)
    .map((durationMs) => ({ ...plan, durationMs }))
}

/** What happens after a long wait happens sooner: all of it, or all from one wait on. */
export function shorterWaits(plan: Plan): Plan[] {
  const moments = [...new Set([0, ...partsOf(plan).map(({ value }) => value.at)])].sort((a, b) => a - b)
  const waits = moments.slice(1).flatMap((until, index) => {
    const length = until - (moments[index] ?? 0)
    return length > LONG_WAIT ? [{ until, length }] : []
  })
  const all = waits.reduceRight(
    (shortened, { until, length }) => earlier(shortened, until, length - SHORT_WAIT),
    plan,
  )
  return [
    ...(waits.length > 1 ? [all] : []),
    ...waits.map(({ until, length }) => earlier(plan, until, length - SHORT_WAIT)),
    ...waits.map(({ until, length }) => earlier(plan, until, Math.ceil(length / 2))),
  ]
}

/** Everything from `from` on, so much earlier. */
function earlier(plan: Plan, from: number, byMs: number): Plan {
  const moved = <T extends { at: number }>(part: T): T =>
    part.at < from ? part : { ...part, at: part.at - byMs }
  return {
    ...plan,
    operations: plan.operations.map(moved),
    faults: plan.faults.map(moved),
    durationMs: Math.max(1, plan.durationMs - byMs),
  }
}
