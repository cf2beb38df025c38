import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { eventually } from '../e2e/support/eventually.ts'
import { exampleManifest, network } from '../e2e/support/manifests.ts'
import type { RunningProgram } from '../e2e/support/program.ts'
import { run, start } from './support.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'mdhcp-cli-'))
const DATA = join(FOLDER, 'data')
const logLine = z.looseObject({ level: z.number(), time: z.iso.datetime(), component: z.string() })

let standalone: RunningProgram
let url: string
beforeAll(async () => {
  standalone = start([
    ...['standalone', '--data-dir', DATA, '--listen', '127.0.0.1:0'],
    ...['--network', 'default/example=nope0'],
  ])
  const [, found = ''] = await standalone.says(/"url":"([^"]+)"/)
  url = found
})
afterAll(async () => {
  await standalone?.end('SIGKILL')
  rmSync(FOLDER, { recursive: true, force: true })
})

test('it is alive and ready when there is nothing to do', async () => {
  expect(await get('/healthz')).toEqual({ status: 200, body: 'ok\n' })
  await eventually('readiness', async () => ((await get('/readyz')).status === 200 ? true : undefined))
})

test('it is not ready, and says why, while the interface of a network is missing', async () => {
  await create(
    '/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions',
    network('example'),
  )
  await create(
    '/apis/network.harvesterhci.io/v1alpha1/namespaces/default/ippools',
    exampleManifest('ippool-example.yaml'),
  )
  const { body } = await eventually('503', async () => {
    const answer = await get('/readyz')
    return answer.status === 503 ? answer : undefined
  })
  expect(JSON.parse(body)).toEqual({
    ok: false,
    reasons: [expect.stringMatching(/^there is no network interface "nope0"; there are: /)],
  })
  expect((await get('/healthz')).status).toBe(200)
})

test('its metrics are in the format of Prometheus', async () => {
  const { status, body } = await get('/metrics')
  expect(status).toBe(200)
  expect(body).toMatch(/^# TYPE managed_dhcp_\w+ \w+$/m)
  expect(body).toMatch(/^managed_dhcp_\w+\{.*\} [\d.e+-]+$/m)
})

test('the kubeconfig is for its owner only', () => {
  expect(statSync(join(DATA, 'kubeconfig')).mode & 0o777).toBe(0o600)
})

test('another one on the same data directory is refused', async () => {
  const { code, stderr } = await run(['standalone', '--data-dir', DATA, '--listen', '127.0.0.1:0'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/^managed-dhcp: data directory .*is in use by another running process.*\n$/)
})

test('SIGTERM stops it cleanly; every line that it logged was JSON', async () => {
  expect(await standalone.end('SIGTERM')).toBe(0)
  expect(standalone.stderr()).toBe('')
  const lines = standalone.stdout().trimEnd().split('\n')
  for (const line of lines) expect(logLine.parse(JSON.parse(line)).component).toBe('standalone')
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ msg: 'stopped' })
})

async function get(path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(new URL(path, url))
  return { status: response.status, body: await response.text() }
}

async function create(path: string, object: unknown): Promise<void> {
  const response = await fetch(new URL(path, url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(object),
  })
  expect(response.status, await response.text()).toBe(201)
}
