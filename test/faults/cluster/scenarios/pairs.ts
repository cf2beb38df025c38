import { describe, expect, test } from 'vitest'
import { type FaultKind, faultOn, holdOf, type Victim } from '../faults.ts'
import { type Measured, type Strike, strikeRound } from '../round.ts'
import type { FaultWorld } from '../world.ts'
import { BOUND_SECONDS } from './bound.ts'

/** Forty VMs in five seconds, ten of them with machines that boot; the faults strike in the middle. */
const STORM = { phase: 'boot storm', vms: 40, withinMs: 5_000, machines: 10, strikeAfterMs: 1_500 }
type Struck = readonly [Victim, FaultKind]

/** Those that need each other, and those that stand in for each other. */
const PAIRS: readonly (readonly Struck[])[] = [
  [
    ['etcd', 'kill'],
    ['nats', 'kill'],
  ],
  [
    ['apiserver', 'kill'],
    ['agent', 'kill'],
  ],
  [
    ['nats', 'kill'],
    ['leader', 'stop'],
  ],
  [
    ['leader', 'kill'],
    ['standby', 'kill'],
  ],
  [
    ['agent', 'cut'],
    ['leader', 'cut'],
  ],
]

export function describePairs(world: () => FaultWorld, measured: Measured[]): void {
  describe('two processes are struck during a boot storm', () => {
    for (const pair of PAIRS) {
      const name = pair.map(([victim, kind]) => `${kind} ${victim}`).join(' + ')
      test(`${name}: everybody is served, and nothing acknowledged is lost`, async () => {
        const strikes: Strike[] = []
        for (const [victim, kind] of pair) {
          strikes.push({ fault: await faultOn(victim, kind, world()), holdMs: holdOf(victim, kind) })
        }
        const round = await strikeRound(world(), strikes, STORM)
        measured.push(round)
        expect(Math.max(...round.bound, ...round.renewed)).toBeLessThan(BOUND_SECONDS)
      })
    }
  })
}
