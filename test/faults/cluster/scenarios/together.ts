import { describe, expect, test } from 'vitest'
import { type FaultKind, faultOn, holdOf, type Victim } from '../faults.ts'
import { type Measured, type Strike, strikeRound } from '../round.ts'
import type { FaultWorld } from '../world.ts'
import { BOUND_SECONDS } from './bound.ts'

/** Two dozen VMs come in four seconds, six of them with machines that boot; the faults strike in the middle. */
const STORM = { phase: 'boot storm', vms: 24, withinMs: 4_000, machines: 6, strikeAfterMs: 1_500 }
type Struck = readonly [FaultKind, readonly [Victim, Victim, Victim]]

/** Every two of the seven processes are struck together once, as every two points of the Fano plane are on one line. */
const LINES: readonly Struck[] = [
  ['kill', ['etcd', 'apiserver', 'leader']],
  ['cut', ['apiserver', 'nats', 'standby']],
  ['kill', ['nats', 'leader', 'agent']],
  ['kill', ['leader', 'standby', 'webhook']],
  ['stop', ['standby', 'agent', 'etcd']],
  ['kill', ['agent', 'webhook', 'apiserver']],
  ['stop', ['webhook', 'etcd', 'nats']],
]

export function describeTogether(world: () => FaultWorld, measured: Measured[]): void {
  describe('several processes are struck at once during a boot storm', () => {
    for (const [kind, victims] of LINES) {
      test(`${kind} ${victims.join(' + ')}: everybody is served, and nothing acknowledged is lost`, async () => {
        const strikes: Strike[] = []
        for (const victim of victims) {
          strikes.push({ fault: await faultOn(victim, kind, world()), holdMs: holdOf(victim, kind) })
        }
        const round = await strikeRound(world(), strikes, STORM)
        measured.push(round)
        expect(Math.max(...round.bound, ...round.renewed)).toBeLessThan(BOUND_SECONDS)
      })
    }
  })
}
