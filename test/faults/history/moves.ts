import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import { type ClientEvent, describeTime } from './events.ts'

/** A MAC that was given an address, and another one afterwards, though nobody had given the first one up. */
export interface Move {
  readonly client: string
  readonly mac: MacAddress
  readonly from: IPv4Address
  readonly to: IPv4Address
  readonly at: number
}

/** Every lease that was acknowledged stays its MAC's, until the machine is gone: a NAK or an expiry is no excuse. */
export function findMoves(events: readonly ClientEvent[]): Move[] {
  const holds = new Map<MacAddress, IPv4Address>()
  const moves: Move[] = []
  for (const { type, client, mac, address, at } of [...events].sort((a, b) => a.at - b.at)) {
    if (type === 'gone') holds.delete(mac)
    if (type !== 'acked') continue
    const before = holds.get(mac)
    if (before !== undefined && before !== address) moves.push({ client, mac, from: before, to: address, at })
    holds.set(mac, address)
  }
  return moves
}

export function tellMove({ client, mac, from, to, at }: Move): string {
  return `${mac} (${client}) was moved from ${formatIPv4Address(from)} to ${formatIPv4Address(to)} at ${describeTime(at)}`
}
