import type { ActorSystemStats } from '../../../actors/system.ts'
import { isConditionTrue } from '../../api/condition.ts'
import { IP_POOL_CONDITIONS, ipPoolSummarySchema } from '../../api/ippool.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Metrics } from '../../observe/metrics.ts'

/** What operators watch: how full each pool is and how it stands. Computed from the IPPools themselves at each scrape. */
export function addPoolMetrics(metrics: Metrics, pools: () => readonly KubeObject[]): void {
  const summaries = () =>
    pools().flatMap((pool) => {
      const summary = ipPoolSummarySchema.safeParse(pool).data
      if (summary === undefined) return []
      const { namespace = '', name } = summary.metadata
      return [
        { labels: { namespace, pool: name, network: summary.spec.networkName }, status: summary.status },
      ]
    })

  metrics.derivedGauge(
    {
      name: 'pool_addresses',
      help: 'Addresses of an IPPool by state; used and available together are its capacity.',
      labels: ['namespace', 'pool', 'network', 'state'],
    },
    () =>
      summaries().flatMap(({ labels, status }) => [
        [{ ...labels, state: 'used' }, status?.ipv4?.used ?? 0] as const,
        [{ ...labels, state: 'available' }, status?.ipv4?.available ?? 0] as const,
        [{ ...labels, state: 'resting' }, Object.keys(status?.ipv4?.resting ?? {}).length] as const,
      ]),
  )
  metrics.derivedGauge(
    {
      name: 'pool_condition',
      help: '1 when the condition of the IPPool is True.',
      labels: ['namespace', 'pool', 'network', 'condition'],
    },
    () =>
      summaries().flatMap(({ labels, status }) =>
        IP_POOL_CONDITIONS.map(
          (condition) =>
            [{ ...labels, condition }, isConditionTrue(status?.conditions, condition) ? 1 : 0] as const,
        ),
      ),
  )
}

/** How the actors of a process are doing. */
export function addActorMetrics(metrics: Metrics, stats: () => ActorSystemStats): void {
  const gauge = (name: string, help: string, value: (now: ActorSystemStats) => number) =>
    metrics.derivedGauge({ name, help }, () => [[{}, value(stats())]])
  gauge('actors', 'Actors alive.', ({ actors }) => actors)
  gauge('actor_messages_pending', 'Messages that wait in mailboxes.', ({ pending }) => pending)
  gauge(
    'actor_restarts',
    'Actors that crashed and were started anew since the process began.',
    ({ restarts }) => restarts,
  )
  gauge(
    'actor_messages_dropped',
    'Messages that no actor got since the process began.',
    ({ dropped }) => dropped,
  )
}

export function addLeaderMetric(metrics: Metrics, isLeading: () => boolean): void {
  metrics.derivedGauge({ name: 'leader', help: '1 while this process leads, 0 while it stands by.' }, () => [
    [{}, isLeading() ? 1 : 0],
  ])
}
