import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface MetricsOptions {
  component: string
  version: string
  /** CPU, memory, event loop, garbage collection. Default: yes. */
  withProcessMetrics?: boolean
}

export interface MetricDescription<Label extends string> {
  /** Without the prefix: "leases_committed_total" becomes managed_dhcp_leases_committed_total. */
  readonly name: string
  readonly help: string
  readonly labels?: readonly Label[]
}

/** Metrics of one process. Every name of ours begins with `managed_dhcp_` and ends with its unit, counters with `_total`. */
export interface Metrics {
  readonly registry: Registry
  counter<Label extends string>(description: MetricDescription<Label>): Counter<Label>
  gauge<Label extends string>(description: MetricDescription<Label>): Gauge<Label>
  histogram<Label extends string>(
    description: MetricDescription<Label> & { readonly buckets: readonly number[] },
  ): Histogram<Label>
  /**
   * A gauge that is computed from the truth at each scrape: the series of a pool that is gone are gone too, which a
   * gauge that is set now and then gets wrong.
   */
  derivedGauge<Label extends string>(
    description: MetricDescription<Label>,
    series: () => Iterable<readonly [labels: Record<Label, string>, value: number]>,
  ): void
}

const PREFIX = 'managed_dhcp_'

export function createMetrics({ component, version, withProcessMetrics = true }: MetricsOptions): Metrics {
  const registry = new Registry()
  if (withProcessMetrics) collectDefaultMetrics({ register: registry })
  const metrics: Metrics = {
    registry,
    counter: (description) => new Counter(configuration(registry, description)),
    gauge: (description) => new Gauge(configuration(registry, description)),
    histogram: ({ buckets, ...description }) =>
      new Histogram({ ...configuration(registry, description), buckets: [...buckets] }),
    derivedGauge(description, series) {
      new Gauge({
        ...configuration(registry, description),
        collect() {
          this.reset()
          for (const [labels, value] of series()) this.set(labels, value)
        },
      })
    },
  }
  metrics
    .gauge({
      name: 'build_info',
      help: 'Always 1; which component runs in which version.',
      labels: ['component', 'version'],
    })
    .set({ component, version }, 1)
  return metrics
}

function configuration<Label extends string>(registry: Registry, description: MetricDescription<Label>) {
  return {
    name: PREFIX + description.name,
    help: description.help,
    labelNames: [...(description.labels ?? [])],
    registers: [registry],
  }
}
