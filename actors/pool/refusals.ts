import { formatIPv4Address, type IPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { between, type Instant, minutes } from '../../src/api/values/time.ts'
import type { AllocateRequest, Owner } from './contracts.ts'
import type { PoolState } from './state.ts'

/** Who still waits asks again every half a minute: who was silent for so long waits no more. */
const FORGOTTEN_AFTER = minutes(5)
const MAXIMUM_REFUSED = 50_000
/** Told besides as many as addresses came free: some of the first may not want one any more. */
const SPARE = 4

export interface Refusal {
  reason: string
  message: string
}

/** @returns whether that is news: the same answer to the same owner is told to taps once */
export function noteRefusal(
  refused: PoolState['refused'],
  request: AllocateRequest,
  { reason }: Refusal,
  now: Instant,
): boolean {
  const mac = parseMacAddress(request.macAddress)
  const before = refused.get(mac)
  refused.set(mac, { owner: request.owner, reason, pinnedAddress: request.pinnedAddress, at: now })
  for (const oldest of refused.keys()) {
    if (refused.size <= MAXIMUM_REFUSED) break
    refused.delete(oldest)
  }
  return before?.reason !== reason || before.owner.uid !== request.owner.uid
}

/** Whom to tell that `freed` can be had again: who waits for just these, and the first of those who take any. */
export function whoMayAskAgain(refused: PoolState['refused'], freed: readonly IPv4Address[]): Owner[] {
  const addresses = new Set(freed.map(formatIPv4Address))
  let rest = freed.length + SPARE
  return [...refused.values()]
    .filter(({ pinnedAddress }) => (pinnedAddress === undefined ? rest-- > 0 : addresses.has(pinnedAddress)))
    .map(({ owner }) => owner)
}

export function forgetRefused(refused: PoolState['refused'], now: Instant): void {
  for (const [mac, { at }] of refused) if (between(at, now) > FORGOTTEN_AFTER) refused.delete(mac)
}
