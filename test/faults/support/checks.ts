import { expect } from 'vitest'
import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import type { ClientEvent, PoolOperation } from '../history/events.ts'
import { findOverlaps, leaseIntervals, tellOverlap } from '../history/intervals.ts'
import { checkLinearizable, tellVerdict } from '../history/linearizability.ts'
import { findLosses, tellLoss } from '../history/losses.ts'
import { findMoves, tellMove } from '../history/moves.ts'
import type { ApiUser } from './api-history.ts'
import type { Machine } from './machines.ts'
import type { World } from './world.ts'

/** A hook script and the look at what it wrote take this long at most on a busy machine. */
export const HEARD_LATE_MS = 1_000
/** How long after the last fault all may take to agree: who has to start anew is slow on a busy machine. */
const QUIET_WITHIN_SECONDS = 60

/**
 * No address had two holders, nobody was moved, and nobody was without the address that it was acknowledged.
 * @param blamable of the events: what tells of moves and losses
 */
export function expectUndisturbed(
  events: readonly ClientEvent[],
  blamable: readonly ClientEvent[] = events,
): void {
  const intervals = leaseIntervals(events, { heardLateMs: HEARD_LATE_MS })
  expect(findOverlaps(intervals).map(tellOverlap)).toEqual([])
  expect(findMoves(blamable).map(tellMove)).toEqual([])
  expect(findLosses(blamable).map(tellLoss)).toEqual([])
}

/**
 * The API's answers are those of a pool that does one thing at a time.
 * @param initial what it told before the first of them was asked for
 */
export function expectOneAtATime(
  history: readonly PoolOperation[],
  initial: ReadonlyMap<MacAddress, IPv4Address> = new Map(),
): void {
  const verdict = checkLinearizable(history, { initial })
  expect(verdict.type, tellVerdict(verdict)).toBe('linearizable')
}

/** What the clients use, what the VMs are told and what the pool has written down is the same; nothing is left over. */
export async function expectAgreement(
  world: World,
  user: ApiUser,
  machines: readonly Machine[],
): Promise<void> {
  const clients = machines.map(({ name, mac, address }) => [mac, address ?? missing(name)] as const)
  const written = Object.fromEntries(clients.map(([mac, address]) => [formatIPv4Address(address), mac]))
  let seen: () => void = () => {}
  const agree = async () => {
    const told = await user.told()
    const { allocated = {}, used } = (await world.pool()).status?.ipv4 ?? {}
    seen = () => {
      expect(told).toEqual(new Map(clients))
      expect(allocated).toEqual(written)
      expect(used).toBe(machines.length)
    }
    seen()
    return true
  }
  await eventually('agreement', agree, { seconds: QUIET_WITHIN_SECONDS }).catch((error: unknown) => {
    seen()
    throw error
  })
}

function missing(name: string): never {
  throw new Error(`the client of ${name} has no lease`)
}
