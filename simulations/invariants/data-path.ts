import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, type PoolHistory, time } from './pool-history.ts'

export interface AgentUptime {
  readonly name: string
  readonly network: string
  /** Since when without a break, pauses counting as breaks; undefined: it is down. */
  upSince(): number | undefined
}

/**
 * Law 6: with the API, NATS and the controller all down agents serve every lease that they know. A client whose lease
 * runs out, although an agent that had acknowledged it ran all the while and the network was in order, was let down.
 * @param hadPackets since when packets of a network pass undisturbed; undefined: they do not now
 */
export function dataPathWaitsForNobody(
  witness: Witness,
  history: PoolHistory,
  agents: readonly AgentUptime[],
  hadPackets: (network: string) => number | undefined,
): Invariant {
  const acknowledged = new Map<string, number>()

  return {
    client(client, event) {
      if (event.type === 'bound' || event.type === 'renewed') acknowledged.set(client.name, witness.now())
      if (event.type !== 'lost' || event.why !== 'expired') return
      const { network, mac, name } = client
      const at = acknowledged.get(name)
      const undisturbed = hadPackets(network)
      if (at === undefined || undisturbed === undefined || undisturbed > at) return
      const address = formatIPv4Address(event.address)
      const tenure = history
        .heldBy(`default/${network}`, mac)
        .find((held) => held.address === address && held.from.at <= at)
      if (tenure === undefined) return
      const serving = agents.find((agent) => agent.network === network && isUp(agent.upSince(), at))
      if (serving === undefined) return
      const pool = history.on(`default/${network}`).find(({ metadata }) => metadata.uid === tenure.uid)
      if (pool === undefined || pool.spec.paused) return
      const edited = history.editedAt(tenure.pool)
      if ([edited.spec, edited.status].some((edit) => edit !== undefined && edit > at - 120_000)) return
      const lines = [
        `${name} (${mac}) lost ${address}: its lease ran out although ${serving.name} ran since before ${time(at)}, when it was acknowledged:`,
        `  ${describeTenure(tenure)}`,
      ]
      witness.violated('the data path waits for nobody', lines.join('\n'), [mac, address, serving.name])
    },
  }
}

function isUp(since: number | undefined, at: number): boolean {
  return since !== undefined && since <= at
}
