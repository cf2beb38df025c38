import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { packageFile } from '../../src/runtime/package-root.ts'

const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome')
const DIAGNOSTIC = /^::\w+ title=([^,]+),file=([^,]+),line=(\d+),/gm
const THE_BAN = /^plugin$|noRestricted/

const directories: string[] = []
afterEach(() => Promise.all(directories.splice(0).map((directory) => rm(directory, { recursive: true }))))

/** Which lines of which files lint refuses for the time or the chance in them, in a checkout that holds only these files. */
async function refused(files: Record<string, string[]>): Promise<Record<string, number[]>> {
  const root = await mkdtemp(path.join(tmpdir(), 'mdhcp-lint-'))
  directories.push(root)
  for (const part of ['biome.json', 'lint', '.gitignore']) {
    await cp(packageFile(part), path.join(root, part), { recursive: true })
  }
  await symlink(packageFile('node_modules'), path.join(root, 'node_modules'))
  for (const [name, lines] of Object.entries(files)) {
    await mkdir(path.join(root, path.dirname(name)), { recursive: true })
    await writeFile(path.join(root, name), lines.join('\n'))
  }
  const args = [biome, 'lint', '--reporter=github', '--max-diagnostics=none', '.']
  const { stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  const looked = new Set<string>()
  const found: Record<string, number[]> = {}
  for (const [, rule = '', file = '', line] of stdout.matchAll(DIAGNOSTIC)) {
    const name = path.relative(root, file)
    looked.add(name)
    if (!THE_BAN.test(rule)) continue
    found[name] ??= []
    found[name]?.push(Number(line))
  }
  // Each has an unused import, which is refused everywhere: no file was passed over.
  expect([...looked].sort()).toEqual(Object.keys(files).sort())
  for (const lines of Object.values(found)) lines.sort((one, other) => one - other)
  return found
}

const REAL = [
  "import { randomUUID } from 'node:crypto'",
  "import { randomBytes } from 'node:crypto'",
  "import { setTimeout as sleep } from 'node:timers/promises'",
  "import timers from 'node:timers'",
  "import { performance as watch } from 'node:perf_hooks'",
  'Date.now()',
  'new Date()',
  'Date()',
  'use(Date.now)',
  'Math.random()',
  'setTimeout(run, 5)',
  'setInterval(run, 5)',
  'setImmediate(run)',
  'clearTimeout(handle)',
  'clearInterval(handle)',
  'clearImmediate(handle)',
  'performance.now()',
  'process.hrtime.bigint()',
  'process.uptime()',
  'AbortSignal.timeout(5)',
  'globalThis.setTimeout(run, 5)',
  'crypto.subtle',
  'chances.randomUUID()',
  'chances.randomBytes(16)',
  "import { hrtime } from 'node:process'",
  "import { uptime } from 'node:os'",
  'new Date',
  'use(Date["now"])',
  'const { now } = Date',
  'Math["random"]()',
  'const { random } = Math',
  'machine.uptime()',
  'chances.randomInt(6)',
  'chances.randomFillSync(bytes)',
  'global.setTimeout(run, 5)',
  'Atomics.wait(cells, 0, 0, 5)',
]
const EVERY_LINE = REAL.map((_, index) => index + 1)

const HARMLESS = [
  "import { createHash } from 'node:crypto'",
  'use(new Date(0), Date.parse(text), Math.max(1, 2))',
  'queueMicrotask(run)',
  'clock.after(delay, run)',
  'random.uuid()',
]

describe('lint', () => {
  test('refuses each use of real time and real chance where the product and its simulations are', async () => {
    const places = [
      'src/ipam/a.ts',
      'actors/pool/a.ts',
      'transports/messages/a.ts',
      'simulations/runner/a.ts',
    ]
    const found = await refused(Object.fromEntries(places.map((place) => [place, REAL])))
    expect(found).toEqual(Object.fromEntries(places.map((place) => [place, EVERY_LINE])))
  })

  test('leaves alone what has neither, the adapters, and tests', async () => {
    const found = await refused({
      'src/ipam/a.ts': HARMLESS,
      'src/runtime/a.ts': REAL,
      'simulations/world/globals.ts': REAL,
      'test/src/a.test.ts': REAL,
    })
    expect(found).toEqual({})
  })
})
