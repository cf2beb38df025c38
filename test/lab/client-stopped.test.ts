import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createDhcpClient } from '../../src/lab/clients/client.ts'
import type { NetworkNamespace } from '../../src/lab/namespace.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdhcp-client-'))
  writeFileSync(join(folder, 'udhcpc'), '', { mode: 0o755 })
  vi.stubEnv('PATH', [folder, process.env.PATH].join(delimiter))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

test('what is still on its way when a client is stopped is not of the machine that is gone', async () => {
  // Says what it is told to say, and cannot be kept from it: as a pipe with something in it.
  const followers: ReturnType<NetworkNamespace['spawnPiped']>[] = []
  const namespace: NetworkNamespace = {
    name: 'test',
    pid: process.pid,
    exec: () => Promise.reject(new Error('nothing is run')),
    spawn: () => spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }),
    spawnPiped() {
      const follower = spawn('sh', ['-c', 'trap "" TERM; while read -r line; do echo "$line"; done'])
      followers.push(follower)
      return follower
    },
    path: (inside) => join(folder, inside),
    async close() {},
  }
  const heard: string[] = []
  const client = createDhcpClient({
    kind: 'udhcpc',
    namespace,
    interfaceName: 'eth0',
    clock: systemClock,
    onEvent: ({ reason }) => heard.push(reason),
  })
  const lease = Buffer.from('ip=192.168.48.84\0lease=30').toString('base64')
  const started = client.start()
  await vi.waitFor(() => expect(followers).toHaveLength(1))
  const [follower] = followers
  follower?.stdin.write(`bound ${lease}\n`)
  await started

  await client.stop()
  follower?.stdin.end(`renew ${lease}\n`)
  if (follower !== undefined) await once(follower, 'close')

  expect(heard).toEqual(['bound'])
  expect(client.lease).toBeUndefined()
})
