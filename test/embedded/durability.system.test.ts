import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DataDirectoryError } from '../../src/embedded/backend/errors.ts'
import { bundleForNode } from '../lab/bundle.ts'
import { openTestApi, refusalOf } from './support.ts'

const CONFIG_MAPS = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true }
const CRDS = fileURLToPath(new URL('../../deploy/crds', import.meta.url))

let program: string
let directory: string

beforeAll(async () => {
  program = await bundleForNode('test/embedded/durability-child.ts')
  directory = mkdtempSync(join(tmpdir(), 'durability-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Starts the writer and calls `onLine` with all lines so far, until it is killed. */
function startWriter(round: number, onLines: (lines: string[], child: ChildProcess) => void) {
  const child = spawn(process.execPath, [program, directory, CRDS, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    onLines(text.split('\n').slice(0, -1), child)
  })
  return { child, acknowledged: () => text.split('\n').slice(1, -1) }
}

test('every write that was acknowledged before SIGKILL is there afterwards', async () => {
  const acknowledged: string[] = []
  for (const [round, enough] of [300, 777, 1200].entries()) {
    const writer = startWriter(round, (lines, child) => {
      if (lines.length > enough) child.kill('SIGKILL')
    })
    await once(writer.child, 'close')
    acknowledged.push(...writer.acknowledged())
  }
  const api = await openTestApi({ dataDirectory: directory })
  const { items, resourceVersion } = await api.store.list(CONFIG_MAPS)
  const found = new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
  const lost = acknowledged.filter((line) => {
    const [name = '', version] = line.split(' ')
    return found.get(name) !== version
  })
  expect(acknowledged.length).toBeGreaterThan(2000)
  expect(lost).toEqual([])
  const versions = items.map(({ metadata }) => Number(metadata.resourceVersion))
  expect(new Set(versions).size).toBe(versions.length)
  expect(Number(resourceVersion)).toBeGreaterThanOrEqual(Math.max(...versions))
  await api.close()
})

test('a directory that a live process has open is refused by name, and free again once that is killed', async () => {
  let ready = () => {}
  const started = new Promise<void>((resolve) => {
    ready = resolve
  })
  const writer = startWriter(9, () => ready())
  await started
  const refusal = await refusalOf(() => openTestApi({ dataDirectory: directory }))
  expect(refusal).toBeInstanceOf(DataDirectoryError)
  expect(refusal.message).toBe(
    `data directory ${directory}: is in use by another running process; stop that one first`,
  )
  writer.child.kill('SIGKILL')
  await once(writer.child, 'close')
  const api = await openTestApi({ dataDirectory: directory })
  await api.close()
})

test('a write that finds the disk full is refused, nothing acknowledged is lost, and it goes on when there is room', async () => {
  const child = await bundleForNode('test/embedded/full-disk-child.ts')
  const mountPoint = mkdtempSync(join(tmpdir(), 'full-disk-'))
  // A small disk of its own, which nobody but this process sees (util-linux: unshare, mount).
  const script = 'mount -t tmpfs -o size=2m none "$1" && exec "$2" "$3" "$1/data" "$4"'
  const args = ['-r', '-m', 'sh', '-c', script, 'sh', mountPoint, process.execPath, child, CRDS]
  const { stdout } = await promisify(execFile)('unshare', args, { timeout: 30_000 })
  rmSync(mountPoint, { recursive: true })
  const outcome: unknown = JSON.parse(stdout)
  expect(outcome).toMatchObject({
    refusal: expect.stringContaining('the data directory took no write'),
    acknowledged: expect.any(Number),
  })
  const { acknowledged, listed, kept } = Object(outcome)
  expect(acknowledged).toBeGreaterThan(10)
  expect(listed).toBe(acknowledged)
  expect(kept).toBe(acknowledged)
})
