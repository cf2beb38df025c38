import type { Plan } from '../plan/plan.ts'
import type { TraceEntry } from '../trace/trace.ts'
import { namesInPlan } from './plan-names.ts'

/** A name with more others around it than this leads to everything: like a pool, it is not followed. */
const HUB = 12
/** An entry about more than this, such as one write for many leases, does not make what it names belong together. */
const LINKED = 6
/** How many names one story follows at most, nearest first. */
const NAMES = 24
/** What a message or packet is about is this near to the violation, at most; other entries may be one step farther. */
const NEAR = 1

/** Says of an entry whether it belongs to a story. */
export type Belongs = (entry: TraceEntry) => boolean

/**
 * From the names that a violation is about to those that stand beside them in trace and plan, two steps far: from an
 * address to the MACs that held it, to the VMs of those. What is about a pool alone belongs to all who have to do with it.
 */
export function relatedTo(seeds: readonly string[], trace: readonly TraceEntry[], plan: Plan): Belongs {
  const { groups, pools } = namesInPlan(plan)
  const neighbours = neighboursIn([...groups, ...trace.map((entry) => entry.about)])
  const isHub = (name: string) => pools.has(name) || (neighbours.get(name)?.size ?? 0) > HUB
  const distance = followNames(seeds, neighbours, isHub)
  const hasOwnNames = [...distance.values()].some((steps) => steps !== HUB_DISTANCE)
  return (entry) => {
    const reach = entry.kind === 'message' || entry.kind === 'packet' ? NEAR : Infinity
    const steps = entry.about.map((name) => distance.get(name))
    if (steps.some((step) => step !== undefined && step !== HUB_DISTANCE && step <= reach)) return true
    const aboutHubs = steps.filter((step) => step === HUB_DISTANCE).length
    return hasOwnNames ? aboutHubs > 0 && aboutHubs === steps.length : aboutHubs > 0
  }
}

const HUB_DISTANCE = -1

function neighboursIn(groups: readonly (readonly string[])[]): Map<string, Set<string>> {
  const neighbours = new Map<string, Set<string>>()
  for (const about of groups) {
    if (about.length > LINKED) continue
    for (const name of about) {
      const others = neighbours.get(name) ?? new Set()
      neighbours.set(name, others)
      for (const other of about) if (other !== name && others.size <= HUB) others.add(other)
    }
  }
  return neighbours
}

function followNames(
  seeds: readonly string[],
  neighbours: ReadonlyMap<string, ReadonlySet<string>>,
  isHub: (name: string) => boolean,
): Map<string, number> {
  const distance = new Map<string, number>()
  let frontier = [...new Set(seeds)]
  for (let steps = 0; steps <= NEAR + 1; steps++) {
    const next = new Set<string>()
    for (const name of frontier) {
      if (distance.has(name) || distance.size >= NAMES) continue
      distance.set(name, isHub(name) ? HUB_DISTANCE : steps)
      if (!isHub(name)) for (const other of neighbours.get(name) ?? []) next.add(other)
    }
    frontier = [...next]
  }
  return distance
}
