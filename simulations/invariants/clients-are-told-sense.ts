import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { Invariant, Witness } from './invariant.ts'
import { nameOf, type PoolHistory, time } from './pool-history.ts'
import type { Wishes } from './wishes.ts'

const AFTERMATH = 120_000

/**
 * What clients complain of; and law 7 as they see it: whose owner asks for an address all the time is not told another.
 * @param areIntact packets of a network are neither doubled nor corrupted, and nobody lies there
 */
export function clientsAreToldSense(
  witness: Witness,
  history: PoolHistory,
  wishes: Wishes,
  areIntact: (network: string) => boolean,
): Invariant {
  /** By client: what it was told last. */
  const told = new Map<string, { address: string; at: number }>()
  const isRecent = (at: number | undefined) => at !== undefined && witness.now() - at < AFTERMATH

  return {
    client(client, event) {
      if (event.type === 'complaint' && areIntact(client.network)) {
        witness.violated('sense', `${client.name} (${client.mac}) complains: ${event.text}`, [client.mac])
      }
      if (event.type !== 'bound' && event.type !== 'renewed') return
      const address = formatIPv4Address(event.address)
      const key = `${client.name} ${client.network} ${client.mac}`
      const before = told.get(key)
      told.set(key, { address, at: witness.now() })
      if (before === undefined || before.address === address) return
      const asking = wishes.of(`default/${client.network}`, client.mac)
      const [wish] = asking
      if (wish === undefined || asking.length > 1 || wish.pin !== undefined) return
      if (wish.since > before.at) return
      const edits = history.on(`default/${client.network}`).map((pool) => history.editedAt(nameOf(pool)))
      // People may have taken it away by hand.
      if (edits.some(({ status }) => isRecent(status))) return
      const isTaken = history
        .of(`default/${client.network}`, before.address)
        .some(({ mac, to }) => mac === client.mac && to?.by === 'operator' && to.at > before.at - AFTERMATH)
      if (isTaken) return
      const message = `${client.name} (${client.mac}) had ${before.address} at ${time(before.at)} and is told ${address} now, although ${wish.owner} asked for it all the time`
      witness.violated('keeps its address', message, [before.address, address, client.mac])
    },
  }
}
