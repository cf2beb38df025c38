import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VERSION } from '../../src/processes/version.ts'
import { run } from './support.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'mdhcp-cli-'))
const file = (name: string) => join(FOLDER, name)
const COMMANDS = [
  'standalone',
  'controller',
  'agent',
  'webhook',
  'leases',
  'tap',
  'lab',
  'set-address',
  'nats-credentials',
  'simulate',
]
const NATS = ['--nats', 'nats://127.0.0.1:1']
const KUBECONFIG = ['--kubeconfig', file('kubeconfig')]

const occupant = createServer()
let taken = ''
beforeAll(async () => {
  writeFileSync(file('empty'), '\n')
  writeFileSync(file('broken'), '{')
  // Nobody listens there.
  writeFileSync(
    file('kubeconfig'),
    JSON.stringify({
      clusters: [
        { name: 'nowhere', cluster: { server: 'http://127.0.0.1:9', 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'nowhere', user: {} }],
      contexts: [{ name: 'nowhere', context: { cluster: 'nowhere', user: 'nowhere' } }],
      'current-context': 'nowhere',
    }),
  )
  await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve))
  const address = occupant.address()
  taken = typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : ''
})
afterAll(() => {
  occupant.close()
  rmSync(FOLDER, { recursive: true, force: true })
})

describe('help', () => {
  test('--version prints the version and nothing else', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' })
  })

  test('--help lists every command', async () => {
    const { code, stdout, stderr } = await run(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
  })

  test.concurrent.each(COMMANDS)('%s --help says what it does, without a raw value', async (command) => {
    const { code, stdout, stderr } = await run([command, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^Usage: managed-dhcp ${command} `))
    expect(stdout).not.toMatch(/\{|undefined|\[object/)
  })

  test('without a command the usage goes to stderr, and it is an error', async () => {
    const { code, stdout, stderr } = await run([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^Usage: managed-dhcp /)
  })
})

/** What is asked, and the one line that answers it. */
const REFUSALS: readonly [what: string, args: () => string[], line: RegExp][] = [
  ['an unknown command', () => ['serve'], /^managed-dhcp: unknown command 'serve'$/],
  ['an unknown flag', () => ['standalone', '--port', '1'], /^managed-dhcp: unknown option '--port'$/],
  ['a surplus argument', () => ['standalone', 'now'], /too many arguments for 'standalone'/],
  [
    'an unknown log level',
    () => ['leases', '--log-level', 'loud'],
    /"loud" is no log level; choose one of trace,/,
  ],
  [
    'a network without an interface',
    () => ['standalone', '--network', 'default/net-48'],
    /expected NAMESPACE\/NAME=INTERFACE/,
  ],
  [
    'a network without a namespace',
    () => ['standalone', '--network', 'net-48=eth1'],
    /'net-48=eth1' is invalid.*namespaced name/,
  ],
  ['an address without a port', () => ['standalone', '--listen', '127.0.0.1'], /expected HOST:PORT/],
  [
    'a port that is none',
    () => ['standalone', '--listen', '127.0.0.1:65536'],
    /a port is a number from 0 to 65535/,
  ],
  [
    'an inherited socket without a parent',
    () => standalone('--listen', 'inherited'),
    /works only for a process whose parent sends it/,
  ],
  ['a port in use', () => standalone('--listen', taken), /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/],
  [
    'another address than loopback, without a token',
    () => standalone('--listen', '0.0.0.0:0'),
    /listens on 0\.0\.0\.0 only with a bearer token/,
  ],
  [
    'a token file that is missing',
    () => standalone('--token-file', file('no')),
    /^managed-dhcp: cannot read .*ENOENT/,
  ],
  [
    'a token file without a token',
    () => standalone('--token-file', file('empty')),
    /is empty: its first line must be the token/,
  ],
  [
    'a data directory that is a file',
    () => ['standalone', '--data-dir', file('empty')],
    /^managed-dhcp: data directory .*: cannot be made: EEXIST/,
  ],
  [
    'a broker that is none',
    () => standalone('--nats', 'http://nats'),
    /is not the URL of a NATS server such as nats:/,
  ],
  ['a controller without a broker', () => ['controller'], /required option '--nats <url>' not specified/],
  [
    'a password that agents’ Deployments would show',
    () => ['controller', '--nats', 'nats://me:secret@nats:4222', '--agent-image', 'managed-dhcp:0.1.0'],
    /^managed-dhcp: the password in --nats would stand in the Deployments .* set NATS_USER and NATS_PASSWORD/,
  ],
  [
    'a kubeconfig that is missing',
    () => ['controller', ...NATS, '--kubeconfig', file('no')],
    /^managed-dhcp: kubeconfig .* cannot be used: ENOENT/,
  ],
  [
    'a kubeconfig that is broken',
    () => ['leases', '--kubeconfig', file('broken')],
    /^managed-dhcp: kubeconfig .*broken cannot be used/,
  ],
  [
    'a controller’s health port in use',
    () => ['controller', ...NATS, ...KUBECONFIG, '--health', taken],
    /cannot listen on .* for health and metrics: EADDRINUSE/,
  ],
  [
    'an agent without a pool',
    () => ['agent'],
    /required option '--ippool-ref <namespace\/name>' not specified/,
  ],
  [
    'an agent of half a pool',
    () => ['agent', '--ippool-ref', 'net-48'],
    /'net-48' is invalid\. .*namespaced name/,
  ],
  [
    'an agent on an interface that is missing',
    () => [...agent(), '--nic', 'nope0'],
    /there is no network interface "nope0"; there are: .*lo/,
  ],
  [
    'an agent’s health port in use',
    () => [...agent(), '--health', taken],
    /cannot listen on .* for health and metrics: EADDRINUSE/,
  ],
  ['leases of half a pool', () => ['leases', 'net-48'], /'net-48' is invalid/],
  ['a tap on commands', () => ['tap', ...NATS, 'mdhcp.cmd.>'], /"mdhcp\.cmd\.>" is no subject of events/],
  [
    'a tap where nobody serves',
    () => ['tap', ...KUBECONFIG],
    /nobody answers at http:\/\/127\.0\.0\.1:9\/: start standalone/,
  ],
  [
    'a lab whose port is in use',
    () => ['lab', '--listen', taken],
    /cannot listen on .*; choose another with --listen/,
  ],
  [
    'a scenario that there is not',
    () => ['simulate', '--scenario', 'peace'],
    /^managed-dhcp: there is no scenario "peace"; choose one of .*mix/,
  ],
  [
    'a seed that is none',
    () => ['simulate', '--seed', '-1'],
    /a seed is a whole number from 0 to 2147483647/,
  ],
  [
    'a seed beyond the last',
    () => ['simulate', '--seed', '2147483648'],
    /a seed is a whole number from 0 to/,
  ],
  ['no runs at all', () => ['simulate', '--runs', '0'], /expected a whole number above 0/],
  [
    'a plan that says its seed, and a seed',
    () => ['simulate', '--plan', file('empty'), '--seed', '1'],
    /'--plan <file>' cannot be used with option '--seed <n>'/,
  ],
  [
    'a plan that is missing',
    () => ['simulate', '--plan', file('no')],
    /no is no plan that can be replayed: ENOENT/,
  ],
  [
    'a plan that is none',
    () => ['simulate', '--plan', file('kubeconfig')],
    /kubeconfig is no plan that can be replayed: /,
  ],
  [
    'counterexamples where a file is',
    () => ['simulate', '--scenario', 'mix', '--out', file('empty')],
    /cannot be written to .*empty, a file; choose another --out/,
  ],
]

describe('what cannot be obeyed is refused with one line on stderr, and exit code 2', () => {
  test.concurrent.each(REFUSALS)('%s', async (_what, args, line) => {
    const { code, stderr } = await run(args())
    const lines = stderr.trimEnd().split('\n')
    expect(lines).toEqual([expect.stringMatching(line)])
    expect(code).toBe(2)
  })

  test('no kubeconfig at all: the line says where one is looked for', async () => {
    const { code, stderr } = await run(['leases'], { HOME: FOLDER, KUBECONFIG: '' }, FOLDER)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^managed-dhcp: no Kubernetes API server is known: .*--kubeconfig.*\n$/)
  })
})

test('an API server that does not answer is no mistake of the command: exit code 1', async () => {
  const { code, stderr } = await run(['leases', ...KUBECONFIG])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^managed-dhcp: .*ECONNREFUSED.*\n$/)
})

let directories = 0

/** They run at the same time: each has a data directory of its own. */
function standalone(...flags: string[]): string[] {
  directories += 1
  return ['standalone', '--data-dir', file(`data-${directories}`), ...flags]
}

function agent(): string[] {
  return ['agent', '--ippool-ref', 'default/net-48', ...KUBECONFIG, '--state-dir', file('state')]
}
