import { fastify } from 'fastify'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import type { Readiness } from '../../src/observe/health.ts'
import { addHealthRoutes, createHealthServer, HealthListenError } from '../../src/observe/health-server.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { recordingLog } from '../support/recording-log.ts'

async function setUp(ready: () => Readiness, registry?: Registry) {
  const metrics = createMetrics({ component: 'agent', version: '1', withProcessMetrics: false })
  const { log, lines } = recordingLog()
  const options = { registry: registry ?? metrics.registry, ready, log }
  const server = await createHealthServer({ ...options, host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close())
  const url = `http://127.0.0.1:${server.address.port}`
  return { server, url, options, lines }
}

const isReady = () => ({ ok: true, reasons: [] })

test('a living process is healthy', async () => {
  const { url } = await setUp(isReady)
  const answer = await fetch(`${url}/healthz`)
  expect([answer.status, await answer.text()]).toEqual([200, 'ok\n'])
})

test('a process is ready only when it says so, and says why not', async () => {
  let readiness: Readiness = { ok: false, reasons: ['IPPools are not listed yet'] }
  const { url } = await setUp(() => readiness)
  const before = await fetch(`${url}/readyz?verbose`)
  expect([before.status, await before.json()]).toEqual([
    503,
    { ok: false, reasons: ['IPPools are not listed yet'] },
  ])
  readiness = isReady()
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
})

test('a readiness check that throws means not ready', async () => {
  const { url, lines } = await setUp(() => {
    throw new Error('broken')
  })
  expect((await fetch(`${url}/readyz`)).status).toBe(503)
  expect(lines[0]?.msg).toBe('readiness check failed')
})

test('metrics come in the form that Prometheus reads', async () => {
  const { url } = await setUp(isReady)
  const answer = await fetch(`${url}/metrics`)
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  expect(await answer.text()).toContain('managed_dhcp_build_info')
})

test('metrics that cannot be collected harm nobody', async () => {
  const registry = new Registry()
  registry.metrics = () => Promise.reject(new Error('broken'))
  const { url } = await setUp(isReady, registry)
  expect((await fetch(`${url}/metrics`)).status).toBe(500)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})

test('nothing else is served', async () => {
  const { url } = await setUp(isReady)
  expect((await fetch(`${url}/`)).status).toBe(404)
  expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405)
})

test('a port that is taken is told in one clear line', async () => {
  const { server, options } = await setUp(isReady)
  const second = createHealthServer({ ...options, host: '127.0.0.1', port: server.address.port })
  await expect(second).rejects.toBeInstanceOf(HealthListenError)
  await expect(second).rejects.toThrow(/cannot listen on 127\.0\.0\.1:\d+ .*EADDRINUSE/)
})

test('a server that is there anyway can carry the same routes', async () => {
  const { options } = await setUp(() => ({ ok: false, reasons: ['not yet'] }))
  const app = fastify()
  onTestFinished(() => app.close())
  addHealthRoutes(app, options)
  const answer = await app.inject('/readyz')
  expect([answer.statusCode, answer.json()]).toEqual([503, { ok: false, reasons: ['not yet'] }])
  expect((await app.inject('/metrics')).body).toContain('managed_dhcp_build_info')
})
