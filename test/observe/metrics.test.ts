import { expect, test } from 'vitest'
import { createMetrics } from '../../src/observe/metrics.ts'

const setUp = () => createMetrics({ component: 'agent', version: '1.2.3', withProcessMetrics: false })

test('every metric has the prefix, and the build is among them', async () => {
  const metrics = setUp()
  metrics.counter({ name: 'packets_total', help: 'h', labels: ['type'] }).inc({ type: 'DISCOVER' })
  metrics.histogram({ name: 'reply_seconds', help: 'h', buckets: [0.001, 0.1] }).observe(0.05)
  const text = await metrics.registry.metrics()
  expect(text).toContain('managed_dhcp_packets_total{type="DISCOVER"} 1')
  expect(text).toContain('managed_dhcp_reply_seconds_bucket{le="0.1"} 1')
  expect(text).toContain('managed_dhcp_build_info{component="agent",version="1.2.3"} 1')
})

test('a derived gauge shows what is true at the scrape: series of what is gone are gone', async () => {
  const metrics = setUp()
  const used = new Map([
    ['net-48', 3],
    ['net-49', 0],
  ])
  metrics.derivedGauge({ name: 'pool_used', help: 'h', labels: ['pool'] }, () =>
    [...used].map(([pool, value]) => [{ pool }, value] as const),
  )
  expect(await metrics.registry.metrics()).toContain('managed_dhcp_pool_used{pool="net-49"} 0')
  used.delete('net-49')
  const text = await metrics.registry.metrics()
  expect(text).toContain('managed_dhcp_pool_used{pool="net-48"} 3')
  expect(text).not.toContain('net-49')
})

test('two processes in one have registries of their own', async () => {
  const [one, other] = [setUp(), setUp()]
  one.gauge({ name: 'only_here', help: 'h' }).set(1)
  expect(await other.registry.metrics()).not.toContain('only_here')
})

test('the metrics of the Node process are there unless they are not wanted', async () => {
  const text = await createMetrics({ component: 'agent', version: '1' }).registry.metrics()
  expect(text).toContain('process_resident_memory_bytes')
  expect(await setUp().registry.metrics()).not.toContain('process_')
})
