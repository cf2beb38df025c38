import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectAgreement, expectSound } from './checks.ts'
import { describeFault, type Fault } from './faults.ts'
import { buildFleet, type Fleet } from './fleet.ts'
import { printRecoveries, type Recovery } from './recovery-table.ts'
import { bootStorm, renewals } from './rounds.ts'
import type { World } from './world.ts'

export interface FaultSuite {
  readonly title: string
  readonly start: () => Promise<World>
  readonly faults: readonly Fault[]
  /** How long a client may wait for its answer after a fault: generous, because a machine may be busy. */
  readonly boundSeconds: number
}

/** Each fault once in a boot storm and once during renewals, one after the other on the same processes and machines. */
export function testFaults({ title, start, faults, boundSeconds }: FaultSuite): void {
  let world: World
  let fleet: Fleet
  const recoveries: Recovery[] = []
  beforeAll(async () => {
    world = await start()
    fleet = await buildFleet(world)
  })
  afterAll(async () => {
    if (recoveries.length > 0) printRecoveries(title, recoveries)
    await fleet?.close()
    await world?.close()
  })

  for (const fault of faults) {
    test(`${describeFault(fault)}: nothing acknowledged is lost, no address has two holders, all are bound again`, async () => {
      const { residents, storm, newcomer, recorder, user, now } = fleet
      const round = { world, recorder, user, now }
      const inStorm = await bootStorm(round, fault, storm)
      await expectAgreement(world, user, [...residents, ...storm])
      const inRenewals = await renewals(round, fault, storm, newcomer)
      await expectAgreement(world, user, [...residents, ...storm])
      recoveries.push(inStorm, inRenewals)
      expectSound(recorder.events, user.history)
      for (const { answeredMs, newcomerMs = 0 } of [inStorm, inRenewals]) {
        expect(Math.max(...answeredMs, newcomerMs)).toBeLessThan(boundSeconds * 1000)
      }
      await Promise.all(storm.map((machine) => machine.remove()))
    })
  }

  test('clients that renew by their own clocks never lost their leases', () => {
    const residents = new Set(fleet.residents.map(({ mac }) => mac))
    const heard = fleet.recorder.events.filter(({ mac }) => residents.has(mac))
    expect(heard.filter(({ type }) => type !== 'acked')).toEqual([])
    expect(heard.length).toBeGreaterThan(residents.size)
  })
}
