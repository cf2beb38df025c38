import type { DhcpEvent } from '../../../actors/agent/contracts.ts'
import { formatObjectKey, type ObjectKey } from '../../api/values/object-key.ts'
import type { Metrics } from '../../observe/metrics.ts'

export interface AgentMetrics {
  counted(network: ObjectKey, event: DhcpEvent): void
}

export function createAgentMetrics(metrics: Metrics): AgentMetrics {
  const messages = metrics.counter({
    name: 'dhcp_messages_total',
    help: 'DHCP messages of clients, by what became of them.',
    labels: ['network', 'outcome', 'reason'],
  })
  return {
    counted: (network, { type, reason = '' }) =>
      // A malformed packet's reason is text of any kind: a label must not grow with it.
      messages.inc({
        network: formatObjectKey(network),
        outcome: type,
        reason: type === 'malformed' ? '' : reason,
      }),
  }
}
