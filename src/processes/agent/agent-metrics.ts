import type { DhcpEvent } from '../../../actors/agent/contracts.ts'
import type { PacketCounters } from '../../../transports/packets/counters.ts'
import { formatObjectKey, type ObjectKey } from '../../api/values/object-key.ts'
import type { Metrics } from '../../observe/metrics.ts'

export interface AgentMetrics {
  /** A DHCP message of a client, and what became of it. */
  counted(network: ObjectKey, event: DhcpEvent): void
  /** An agent runs from now on. @returns what ends its series */
  watch(source: AgentSource): () => void
}

/** Read at each scrape. */
export interface AgentSource {
  pool: ObjectKey
  leases: () => number
  packets: Readonly<PacketCounters>
}

export function createAgentMetrics(metrics: Metrics): AgentMetrics {
  const sources = new Set<AgentSource>()
  const messages = metrics.counter({
    name: 'dhcp_messages_total',
    help: 'DHCP messages of clients, by what became of them.',
    labels: ['network', 'outcome', 'reason'],
  })
  metrics.derivedGauge(
    { name: 'agent_leases', help: 'Leases that the agent answers for.', labels: ['namespace', 'pool'] },
    () => [...sources].map(({ pool, leases }) => [labelsOf(pool), leases()] as const),
  )
  metrics.derivedGauge(
    {
      name: 'agent_packets',
      help: 'IP packets on the agent’s interface since it began, by what became of them.',
      labels: ['namespace', 'pool', 'outcome'],
    },
    () =>
      [...sources].flatMap(({ pool, packets }) =>
        outcomes(packets).map(([outcome, count]) => [{ ...labelsOf(pool), outcome }, count] as const),
      ),
  )
  return {
    counted: (network, { type, reason = '' }) =>
      // A malformed packet's reason is text of any kind: a label must not grow with it.
      messages.inc({
        network: formatObjectKey(network),
        outcome: type,
        reason: type === 'malformed' ? '' : reason,
      }),
    watch(source) {
      sources.add(source)
      return () => sources.delete(source)
    },
  }
}

function outcomes({ received, sent, dropped, sendFailures }: Readonly<PacketCounters>): [string, number][] {
  const prefixed = (prefix: string, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([reason, count]): [string, number] => [`${prefix}-${reason}`, count])
  return [
    ['received', received],
    ['sent', sent],
    ...prefixed('dropped', dropped),
    ...prefixed('failed', sendFailures),
  ]
}

function labelsOf({ namespace, name }: ObjectKey): { namespace: string; pool: string } {
  return { namespace, pool: name }
}
