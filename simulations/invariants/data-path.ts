import { isDeepStrictEqual } from 'node:util'
import type { IPPool } from '../../src/api/ippool.ts'
import { parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { RunningClient } from '../world/guests.ts'
import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, nameOf, type PoolHistory, time } from './pool-history.ts'
import { type AgentUptime, isInFile, isUp } from './serving.ts'

interface Acknowledged {
  readonly at: number
  readonly leaseMs: number
}

/** RFC 2131 §4.4.5: clients renew when half of the lease is over. Who is up well before can answer all that they ask. */
const BEFORE_RENEWAL = 0.4
/** What people do by hand may take so long to come to its end. */
const AFTERMATH = 120_000

/**
 * Law 6: with the API, NATS and the controller all down agents serve every lease that they know. A client whose lease
 * runs out, although an agent that had acknowledged it ran all the while and the network was in order, was let down. So
 * was one whose agent was started again before the client renewed, with the lease in its state file.
 * @param hadPackets since when the packets of a client pass undisturbed; undefined: they do not now
 */
export function dataPathWaitsForNobody(
  witness: Witness,
  history: PoolHistory,
  agents: readonly AgentUptime[],
  hadPackets: (client: RunningClient) => number | undefined,
): Invariant {
  const acknowledged = new Map<string, Acknowledged>()
  /** When somebody last edited what decides whether a pool serves, and by hand took or gave an address, or one of a MAC. */
  const edits = new Map<string, number>()
  const isExcused = (about: string, at: number) => {
    const edit = edits.get(about) ?? Number.NEGATIVE_INFINITY
    return edit > at - AFTERMATH && witness.now() - edit < AFTERMATH
  }

  return {
    poolChanged({ pool, previous, by, given, taken }) {
      if (by !== 'operator') return
      if (!isDeepStrictEqual(servingPart(previous), servingPart(pool))) edits.set(nameOf(pool), witness.now())
      for (const { network, address, mac } of [...given, ...taken]) {
        edits.set(`${network} ${address}`, witness.now())
        edits.set(`${network} ${mac}`, witness.now())
      }
    },

    client(client, event) {
      if (event.type === 'bound' || event.type === 'renewed') {
        acknowledged.set(client.name, { at: witness.now(), leaseMs: event.leaseSeconds * 1000 })
      }
      if (event.type !== 'lost' || event.why !== 'expired') return
      const { network, mac, name } = client
      const { at, leaseMs } = acknowledged.get(name) ?? {}
      const undisturbed = hadPackets(client)
      if (at === undefined || leaseMs === undefined || undisturbed === undefined || undisturbed > at) return
      const address = formatIPv4Address(event.address)
      const tenure = history
        .heldBy(`default/${network}`, mac)
        .find((held) => held.address === address && held.from.at <= at)
      if (tenure === undefined) return
      const beforeRenewal = at + BEFORE_RENEWAL * leaseMs
      const serving = agents.find(
        (agent) =>
          agent.network === network &&
          (isUp(agent.upSince(), at) || (isUp(agent.upSince(), beforeRenewal) && isInFile(agent, tenure))),
      )
      if (serving === undefined) return
      const pool = history.on(`default/${network}`).find(({ metadata }) => metadata.uid === tenure.uid)
      if (pool === undefined || pool.spec.paused) return
      const abouts = [tenure.pool, `${tenure.network} ${address}`, `${tenure.network} ${mac}`]
      if (abouts.some((about) => isExcused(about, at))) return
      const lines = [
        `${name} (${mac}) lost ${address}: its lease ran out although ${serving.name} runs since ${time(serving.upSince() ?? 0)} and knew of it, and it was acknowledged at ${time(at)}:`,
        `  ${describeTenure(tenure)}`,
      ]
      witness.violated('the data path waits for nobody', lines.join('\n'), [mac, address, serving.name])
    },
  }
}

/** What of a spec decides whether clients are served, and by whom they think they are. */
function servingPart(pool: IPPool | undefined) {
  if (pool === undefined) return undefined
  const { networkName, paused = false, ipv4Config } = pool.spec
  const { cidr, serverIP } = ipv4Config
  return { networkName, paused, cidr, serverIP, isValid: parsePoolConfiguration(pool).ok }
}
