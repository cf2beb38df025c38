/** Which faults met which states, and how often: a scenario that no longer reaches its fault is noticed. */
export interface Coverage {
  /** A fault took effect while something was in `state`. */
  hit(fault: string, state: string): void
  counts(): Readonly<Record<string, number>>
}

export function createCoverage(): Coverage {
  const counts: Record<string, number> = {}
  return {
    hit(fault, state) {
      const pair = `${fault} × ${state}`
      counts[pair] = (counts[pair] ?? 0) + 1
    },
    counts: () => counts,
  }
}
