import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { EPOCH } from '../world/machine.ts'
import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, type PoolHistory, time } from './pool-history.ts'

interface Holding {
  readonly client: string
  readonly mac: string
  readonly server: string
  /** True time: of the REQUEST that was acknowledged, and of the end of the lease. */
  readonly since: number
  readonly until: number
}

/** Law 1: two MACs never hold unexpired ACKs for one address on a network, as clients see it. */
export function oneHolder(witness: Witness, history: PoolHistory): Invariant {
  /** By network and address, then by client. */
  const holdings = new Map<string, Map<string, Holding>>()

  return {
    client(client, event) {
      if (event.type === 'lost') {
        holdings.get(`${client.network} ${formatIPv4Address(event.address)}`)?.delete(client.name)
        return
      }
      if (event.type !== 'bound' && event.type !== 'renewed') return
      const address = formatIPv4Address(event.address)
      const place = `${client.network} ${address}`
      const holders = holdings.get(place) ?? new Map<string, Holding>()
      holdings.set(place, holders)
      const holding: Holding = {
        client: client.name,
        mac: client.mac,
        server: formatIPv4Address(event.server),
        since: event.since - EPOCH,
        until: event.until - EPOCH,
      }
      holders.set(client.name, holding)
      for (const other of holders.values()) {
        if (other.mac === client.mac || other.until <= witness.now()) continue
        const story = history.of(`default/${client.network}`, address).slice(-6).map(describeTenure)
        const lines = [
          `${address} on ${client.network} has two holders:`,
          `  ${describe(other)}`,
          `  ${describe(holding)}`,
          ...story.map((line) => `  ${line}`),
        ]
        witness.violated('one holder', lines.join('\n'), [address, other.mac, client.mac])
      }
    },
  }
}

function describe({ client, mac, server, since, until }: Holding): string {
  return `${client} (${mac}) was told so by ${server}: asked at ${time(since)}, may use it until ${time(until)}`
}
