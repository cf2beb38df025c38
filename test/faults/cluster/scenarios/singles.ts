import { describe, expect, test } from 'vitest'
import { FAULT_KINDS, type FaultKind, faultOn, VICTIMS, type Victim } from '../faults.ts'
import { type Measured, strikeRound } from '../round.ts'
import type { FaultWorld } from '../world.ts'

/** Within which every VM is bound again, whatever was struck: twice what was measured. */
export const BOUND_SECONDS = 40

const HOLD_MS = 3_000

export function describeSingles(world: () => FaultWorld, measured: Measured[]): void {
  describe('one process is struck while clients renew and VMs are created', () => {
    for (const victim of VICTIMS) {
      for (const kind of FAULT_KINDS) {
        test(`${kind} ${victim}: everybody is served, and nothing acknowledged is lost`, async () => {
          const fault = await faultOn(victim, kind, world())
          const round = await strikeRound(world(), [fault], {
            ...{ phase: 'renewals', vms: 4, withinMs: 1_000, machines: 2, strikeAfterMs: 300 },
            holdMs: holdOf(victim, kind),
          })
          measured.push(round)
          expect(Math.max(...round.bound, ...round.renewed)).toBeLessThan(BOUND_SECONDS)
        })
      }
    }
  })
}

/** Another leader takes over only from one that is away for long enough. */
function holdOf(victim: Victim, kind: FaultKind): number | 'until-served' {
  return victim === 'leader' && kind !== 'kill' ? 'until-served' : HOLD_MS
}
