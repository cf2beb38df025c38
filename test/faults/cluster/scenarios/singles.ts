import { describe, expect, test } from 'vitest'
import { FAULT_KINDS, faultOn, holdOf, VICTIMS } from '../faults.ts'
import { type Measured, strikeRound } from '../round.ts'
import type { FaultWorld } from '../world.ts'
import { BOUND_SECONDS } from './bound.ts'

/** While the residents renew, some VMs come and as many go, a third of them with machines. */
const RENEWALS = { phase: 'renewals', vms: 9, withinMs: 1_200, machines: 3, strikeAfterMs: 300 }

export function describeSingles(world: () => FaultWorld, measured: Measured[]): void {
  describe('one process is struck while clients renew and VMs are created', () => {
    for (const victim of VICTIMS) {
      for (const kind of FAULT_KINDS) {
        test(`${kind} ${victim}: everybody is served, and nothing acknowledged is lost`, async () => {
          const fault = await faultOn(victim, kind, world())
          const round = await strikeRound(world(), [{ fault, holdMs: holdOf(victim, kind) }], RENEWALS)
          measured.push(round)
          expect(Math.max(...round.bound, ...round.renewed)).toBeLessThan(BOUND_SECONDS)
        })
      }
    }
  })
}
