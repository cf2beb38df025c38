import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { packageFile } from '../../src/runtime/package-root.ts'
import { VERSION } from '../../src/processes/version.ts'
import { contextFilter, parseDockerfile } from './support/dockerfile.ts'
import { emulatedBuild } from './support/emulated-build.ts'
import { outcomeOf, tool } from './support/tools.ts'

const DOCKERFILE = packageFile('deploy', 'image', 'Dockerfile')
const stages = parseDockerfile(readFileSync(DOCKERFILE, 'utf8'))
const image = stages.at(-1)
const lastOf = (name: string) => image?.instructions.filter((one) => one.name === name).at(-1)?.text

/** What is run in the image, as the user of the image, with nothing writable. */
const RUNS = {
  version: '--version',
  controller: 'controller --help',
  agent: 'agent --help',
  webhook: 'webhook --help',
  credentials: 'nats-credentials --help',
}

let folder: string
let output = ''
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mdhcp-image-'))
  const context = path.join(folder, 'context')
  const work = path.join(folder, 'work')
  mkdirSync(work)
  copyContext(context)
  const entrypoint = z
    .array(z.string())
    .parse(JSON.parse(lastOf('ENTRYPOINT') ?? ''))
    .join(' ')
  const [user, group] = (lastOf('USER') ?? '').split(':')
  const as = `chroot "$IMAGE" setpriv --reuid ${user} --regid ${group} --clear-groups --no-new-privs env -i PATH="$PATH"`
  const natives = `import("/app/node_modules/lmdb/index.js").then(() => require("/app/node_modules/raw-socket"))`
  const after = [
    ...Object.entries(RUNS).map(([name, args]) => `echo "@@ ${name}"; ${as} ${entrypoint} ${args}`),
    `echo "@@ link"; ${as} managed-dhcp --version`,
    `echo "@@ natives"; ${as} node -e '${natives}.then(() => console.log("loaded"))'`,
    `echo "@@ write"; ${as} touch /app/x 2>&1 || true`,
    'echo "@@ writable"; find "$LAYER" -not -type l -perm /022 -not -type c',
    'echo "@@ unreadable"; find "$LAYER" -not -type l -not -type c -not -perm -004',
    'echo "@@ files"; cd "$LAYER"; find . -not -type d',
    'echo "@@ size"; du -sm "$LAYER" | cut -f1',
  ].join('\n')
  const script = path.join(folder, 'build.sh')
  writeFileSync(script, emulatedBuild(stages, context, work, after))
  output = execFileSync('unshare', ['--mount', '--propagation', 'private', 'bash', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What came out of one part. */
function said(part: string): string {
  const found = new RegExp(`^@@ ${part}\n([\\s\\S]*?)(?=^@@ |(?![\\s\\S]))`, 'm').exec(output)
  if (found === null) throw new Error(`nothing was said about ${part}`)
  return (found[1] ?? '').trim()
}
const files = () => said('files').split('\n')

test('BuildKit has nothing to say against the Dockerfile', async () => {
  expect(await outcomeOf(await tool('dockerfile-lint'), [DOCKERFILE])).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
})

test('BuildKit’s check does find what is wrong', async () => {
  const wrong = path.join(folder, 'wrong.Dockerfile')
  writeFileSync(wrong, 'FROM node:20 as x\nENTRYPOINT node x\n')
  const { code, stdout } = await outcomeOf(await tool('dockerfile-lint'), [wrong])
  expect(stdout).toMatch(/FromAsCasing[\s\S]*JSONArgsRecommended/)
  expect(code).toBe(1)
})

test('the image runs the program, not as root and with nothing writable', () => {
  expect(lastOf('USER')).toBe('65532:65532')
  expect(said('version')).toBe(VERSION)
  expect(said('link')).toBe(VERSION)
  expect(said('write')).toMatch(/Read-only file system/)
  for (const part of ['controller', 'agent', 'webhook'] as const)
    expect(said(part)).toMatch(new RegExp(`Usage: managed-dhcp ${part}`))
})

test('what was compiled for it loads', () => {
  expect(said('natives')).toBe('loaded')
})

test('it holds production dependencies and what was built, and nothing to build with', () => {
  const inApp = files().filter((file) => file.startsWith('./app/'))
  const topLevel = new Set(inApp.map((file) => file.split('/')[2]))
  expect(topLevel).toEqual(new Set(['node_modules', 'dist', 'deploy', 'package.json', 'LICENSE']))
  const { packages } = z
    .object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) })
    .parse(JSON.parse(readFileSync(packageFile('package-lock.json'), 'utf8')))
  const forDevelopment = Object.entries(packages).flatMap(([name, { dev }]) => (dev === true ? [name] : []))
  expect(forDevelopment).toContain('node_modules/typescript')
  const installed = new Set(inApp.flatMap((file) => /^\.\/app\/(.*)\/package\.json$/.exec(file)?.[1] ?? []))
  expect(installed).toContain('node_modules/nact')
  expect(forDevelopment.filter((name) => installed.has(name))).toEqual([])
  expect(inApp.filter((file) => /\.o$|obj\.target/.test(file))).toEqual([])
  expect(inApp).toContain('./app/node_modules/raw-socket/build/Release/raw.node')
})

test('besides, it adds its name to the path, and takes package managers away', () => {
  const outside = files().filter((file) => !file.startsWith('./app/'))
  expect(outside).toContain('./usr/local/bin/managed-dhcp')
  const unexpected = outside.filter(
    (file) => !/^\.\/(usr\/local\/(bin|lib|include)|opt|var\/(lib\/apt|cache\/apt|log)|etc)\b/.test(file),
  )
  expect(unexpected).toEqual([])
})

test('nobody but root may change anything in it, and everybody may read it', () => {
  expect(said('writable')).toBe('')
  expect(said('unreadable')).toBe('')
  expect(Number(said('size'))).toBeLessThan(150)
})

/** The files that git knows or would add, of those that .dockerignore lets in. */
function copyContext(to: string): void {
  const isLet = contextFilter(readFileSync(packageFile('.dockerignore'), 'utf8'))
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: packageFile('.'),
    encoding: 'utf8',
  })
  for (const file of listed.split('\0').filter((name) => name !== '' && isLet(name)))
    cpSync(packageFile(file), path.join(to, file), { verbatimSymlinks: true })
}
