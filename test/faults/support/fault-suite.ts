import { afterAll, beforeAll, expect, test } from 'vitest'
import { findLosses } from '../history/losses.ts'
import { expectAgreement, expectOneAtATime, expectUndisturbed } from './checks.ts'
import { describeFault, type Fault } from './faults.ts'
import { buildFleet, type Fleet, LEAVING, RETURNING } from './fleet.ts'
import { printRecoveries, type Recovery } from './recovery-table.ts'
import type { Recorder } from './recorder.ts'
import { bootStorm, renewals } from './rounds.ts'
import { LEASE_SECONDS, type World } from './world.ts'

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
  let squads: Fleet['squads']
  const recoveries: Recovery[] = []

  async function begin(): Promise<void> {
    world = await start()
    fleet = await buildFleet(world)
    squads = fleet.squads
  }
  async function end(): Promise<void> {
    await fleet?.close()
    await world?.close()
  }
  beforeAll(begin)
  afterAll(async () => {
    if (recoveries.length > 0) printRecoveries(title, recoveries)
    await end()
  })

  for (const fault of faults) {
    test(`${describeFault(fault)}: nothing acknowledged is lost, no address has two holders, all are bound again`, async () => {
      try {
        await strike(fault)
      } catch (error) {
        // What this fault left behind must not be held against the next one.
        await end()
        await begin()
        throw error
      }
    })
  }

  async function strike(fault: Fault): Promise<void> {
    const { residents, heirs, recorder, user, now } = fleet
    const [old, arriving] = squads
    squads = [arriving, old]
    const [leaving, later] = [old.slice(0, LEAVING), old.slice(LEAVING)]
    const returned = leaving.slice(-RETURNING)
    const round = { world, recorder, user, now }
    const begun = user.history.length
    const initial = await user.told()

    const inStorm = await bootStorm(round, fault, { arriving, leaving, returning: RETURNING })
    await expectAgreement(world, user, [...residents, ...arriving, ...later, ...returned])
    const going = [...later, ...returned]
    const asking = now()
    const inRenewals = await renewals(round, fault, { staying: arriving, leaving: going, heirs })
    await expectAgreement(world, user, [...residents, ...arriving, ...heirs])
    await Promise.all(heirs.map((machine) => machine.remove()))

    recoveries.push(inStorm, inRenewals)
    if (isAgentKilled(fault)) excuseHelpless(recorder, asking + UDHCPC_PATIENCE_MS)
    expectUndisturbed(recorder.events, recorder.blamable)
    expectOneAtATime(user.history.slice(begun), initial)
    expect(inStorm.answeredMs.length, 'who waited when the fault struck').toBeGreaterThan(0)
    expect(Math.max(...inRenewals.answeredMs)).toBeLessThan(boundSeconds * 1000)
    const comingMs = [...inStorm.answeredMs, inRenewals.newcomerMs ?? 0]
    expect(Math.max(...comingMs)).toBeLessThan((boundSeconds + leaseToRunOut(fault)) * 1000)
  }

  test('clients that renew by their own clocks were answered again and again', () => {
    for (const { name, mac } of fleet.residents) {
      const heard = fleet.recorder.events.filter((event) => event.mac === mac)
      expect(heard.length, name).toBeGreaterThan(1)
    }
  })
}

/**
 * An agent that did not run while an address went from one VM to another knows of a lease, and of no client that is gone:
 * the next holder is answered when that lease has run out (law 1).
 */
const leaseToRunOut = (fault: Fault): number => (isAgentKilled(fault) ? LEASE_SECONDS : 0)

/** Until it runs again nobody answers; udhcpc, asked for a renewal, gives up when it was not answered for so long. */
const UDHCPC_PATIENCE_MS = 12_000

function excuseHelpless(recorder: Recorder, from: number): void {
  for (const { type, mac, address, at } of findLosses(recorder.events)) {
    if (type === 'expired' && at >= from) recorder.excuse({ mac, address, since: at, until: at })
  }
}

const isAgentKilled = ({ blows }: Fault): boolean =>
  blows.some(([kind, part]) => kind === 'kill' && AGENTS.includes(part))

const AGENTS = ['agent', 'standalone']
