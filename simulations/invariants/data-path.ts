import { type PoolSnapshot, poolSnapshotSchema } from '../../actors/pool/contracts.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { RunningClient } from '../world/guests.ts'
import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, type PoolHistory, type Tenure, time } from './pool-history.ts'

export interface AgentUptime {
  readonly name: string
  readonly network: string
  /** Since when without a break, pauses counting as breaks; undefined: it is down. */
  upSince(): number | undefined
  /** What its state file says; undefined when there is none, or when it is not what was read. */
  stateFile(): string | undefined
}

interface Acknowledged {
  readonly at: number
  readonly leaseMs: number
}

/** RFC 2131 §4.4.5: clients renew when half of the lease is over. Who is up well before can answer all that they ask. */
const BEFORE_RENEWAL = 0.4

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

  return {
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
          (isUp(agent.upSince(), at) ||
            (isUp(agent.upSince(), beforeRenewal) && knows(agent.stateFile(), tenure))),
      )
      if (serving === undefined) return
      const pool = history.on(`default/${network}`).find(({ metadata }) => metadata.uid === tenure.uid)
      if (pool === undefined || pool.spec.paused) return
      const edited = history.editedAt(tenure.pool)
      if ([edited.spec, edited.status].some((edit) => edit !== undefined && edit > at - 120_000)) return
      const lines = [
        `${name} (${mac}) lost ${address}: its lease ran out although ${serving.name} runs since ${time(serving.upSince() ?? 0)} and knew of it, and it was acknowledged at ${time(at)}:`,
        `  ${describeTenure(tenure)}`,
      ]
      witness.violated('the data path waits for nobody', lines.join('\n'), [mac, address, serving.name])
    },
  }
}

function knows(stateFile: string | undefined, { uid, address, mac }: Tenure): boolean {
  const snapshot = stateFile === undefined ? undefined : readSnapshot(stateFile)
  return snapshot?.uid === uid && snapshot.leases[address] === mac
}

function readSnapshot(text: string): PoolSnapshot | undefined {
  try {
    return poolSnapshotSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function isUp(since: number | undefined, at: number): boolean {
  return since !== undefined && since <= at
}
