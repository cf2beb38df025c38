import type { TraceEntry } from '../trace/trace.ts'

/** A name with more others around it than this, such as a pool's, leads to everything: it is not followed. */
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
 * From the names that a violation is about to those that stand beside them in the trace, two steps far: from an address
 * to the MACs that held it, to the VMs of those.
 */
export function relatedTo(seeds: readonly string[], trace: readonly TraceEntry[]): Belongs {
  const distance = followNames(seeds, neighboursIn(trace))
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

function neighboursIn(trace: readonly TraceEntry[]): Map<string, Set<string>> {
  const neighbours = new Map<string, Set<string>>()
  for (const { about } of trace) {
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
): Map<string, number> {
  const distance = new Map<string, number>()
  let frontier = [...new Set(seeds)]
  for (let steps = 0; steps <= NEAR + 1; steps++) {
    const next = new Set<string>()
    for (const name of frontier) {
      if (distance.has(name) || distance.size >= NAMES) continue
      const others = neighbours.get(name) ?? new Set<string>()
      const isHub = others.size > HUB
      distance.set(name, isHub ? HUB_DISTANCE : steps)
      if (!isHub) for (const other of others) next.add(other)
    }
    frontier = [...next]
  }
  return distance
}
