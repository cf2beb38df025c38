import { expect, test } from 'vitest'
import { SYSTEM_NAMESPACE } from '../../../cluster/deployed/names.ts'
import { isReady } from '../../../cluster/deployed/objects.ts'
import { eventually } from '../../../e2e/support/eventually.ts'
import type { Fault } from '../faults.ts'
import { type Measured, strikeRound } from '../round.ts'
import type { FaultWorld } from '../world.ts'
import { BOUND_SECONDS } from './bound.ts'

/** Another pod with another address and empty volumes: no connection, subscription or message of the old one is left. */
export function describeForgetfulBroker(world: () => FaultWorld, measured: Measured[]): void {
  test('a broker that forgets everything is not missed: what matters was never there', async () => {
    const { system } = world()
    const broker = () =>
      eventually('a broker that is ready', async () => (await system.objects.pods('nats')).find(isReady))
    const before = await broker()
    const fault: Fault = {
      name: 'nats forgets all',
      isMomentary: true,
      strike: async () => {
        const options = ['--grace-period=0', '--force', '--wait=false']
        await system.kubectl([...['-n', SYSTEM_NAMESPACE, 'delete', 'pod', before.metadata.name], ...options])
      },
      end: async () => {},
    }
    const round = await strikeRound(world(), [{ fault, holdMs: 0 }], {
      ...{ phase: 'boot storm', vms: 20, withinMs: 2_500, machines: 6, strikeAfterMs: 800 },
    })
    measured.push(round)
    expect(Math.max(...round.bound, ...round.renewed)).toBeLessThan(BOUND_SECONDS)
    expect((await broker()).metadata.uid).not.toBe(before.metadata.uid)
  })
}
