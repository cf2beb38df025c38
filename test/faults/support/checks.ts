import { expect } from 'vitest'
import { formatIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { ClientEvent, PoolOperation } from '../history/events.ts'
import { findOverlaps, leaseIntervals, tellOverlap } from '../history/intervals.ts'
import { checkLinearizable, tellVerdict } from '../history/linearizability.ts'
import { findMoves, tellMove } from '../history/moves.ts'
import type { ApiUser } from './api-history.ts'
import type { Machine } from './machines.ts'
import type { World } from './world.ts'

/** A hook script and the look at what it wrote take this long at most on a busy machine. */
const HEARD_LATE_MS = 1_000

/** No address had two holders, nobody was moved, and the API's answers are those of a pool that does one thing at a time. */
export function expectSound(events: readonly ClientEvent[], history: readonly PoolOperation[]): void {
  const intervals = leaseIntervals(events, { heardLateMs: HEARD_LATE_MS })
  expect(findOverlaps(intervals).map(tellOverlap)).toEqual([])
  expect(findMoves(events).map(tellMove)).toEqual([])
  const verdict = checkLinearizable(history)
  expect(verdict.type, tellVerdict(verdict)).toBe('linearizable')
}

/** What the clients use, what the VMs are told and what the pool has written down is the same; nothing is left over. */
export async function expectAgreement(
  world: World,
  user: ApiUser,
  machines: readonly Machine[],
): Promise<void> {
  const clients = machines.map(({ mac, client }) => [mac, client.lease?.address] as const)
  expect(await user.told()).toEqual(new Map(clients))
  const { allocated = {}, used } = (await world.pool()).status?.ipv4 ?? {}
  const written = clients.map(([mac, address]) => [formatIPv4Address(address ?? missing(mac)), mac])
  expect(allocated).toEqual(Object.fromEntries(written))
  expect(used).toBe(machines.length)
}

function missing(mac: string): never {
  throw new Error(`the client of ${mac} has no lease`)
}
