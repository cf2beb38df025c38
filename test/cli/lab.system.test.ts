import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { listInterfaces } from '../../src/network/interfaces.ts'
import { builtProgram } from '../e2e/support/build.ts'
import { eventually } from '../e2e/support/eventually.ts'
import { follow, type RunningProgram } from '../e2e/support/program.ts'

/** Any free port, so that a lab of the developer's own is no hindrance. */
const LAB = ['lab', '--listen', '127.0.0.1:0']
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
const TIME = String.raw`\d\d:\d\d:\d\d\.\d{3}`

/** For the lab that has no chance to remove its own. */
const folder = mkdtempSync(join(tmpdir(), 'mdhcp-lab-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const started: RunningProgram[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((program) => program.end('SIGKILL')))
})

test('lab --once tells the whole story, and ends', async () => {
  const lab = startLab([...LAB, '--once'])
  expect(await lab.whenEnded, lab.stderr()).toBe(0)
  expect(lab.stdout()).toMatch(/^ +net-48 +default\/net-48 +8 +0 +True +True +True /m)
  expect(lab.stdout()).toMatch(/✓ (192\.168\.48\.8\d) is allocated to ca:70:82:e6:84:6e/)
  expect(lab.stdout()).toMatch(
    new RegExp(
      `^ +${TIME}  DISCOVER from ca:70:82:e6:84:6e → OFFER (192\\.168\\.48\\.8\\d)\n` +
        ` +${TIME}  REQUEST  from ca:70:82:e6:84:6e → ACK \\1\n` +
        ' +✓ test-vm has \\1, mask 255\\.255\\.255\\.0, router 192\\.168\\.48\\.1, dns 1\\.1\\.1\\.1, lease 300 s$',
      'm',
    ),
  )
  expect(lab.stdout()).toMatch(/^ +net-48 +default\/net-48 +7 +1 +True +True +True /m)
  expect(lab.stdout().trimEnd()).toMatch(/✓ Nothing is left behind\.$/)
  expect(lab.stderr()).toBe('')
})

test('Ctrl-C ends it and removes all of it; a second one starts right after', async () => {
  const lab = startLab(LAB)
  const [, dataFolder = ''] = await lab.says(/export KUBECONFIG=(\S+)\/kubeconfig/, 30)
  const namespaces = namespacesOf(lab.pid)
  expect(namespaces.size).toBe(3)
  expect(await lab.end('SIGINT')).toBe(0)
  expect(lab.stdout()).toMatch(/Nothing is left behind/)
  expect(existsSync(dataFolder)).toBe(false)
  expect(survivors(namespaces)).toEqual([])

  const second = startLab([...LAB, '--once'])
  expect(await second.whenEnded, second.stderr()).toBe(0)
})

test('killed with SIGKILL, it leaves no process, no namespace and no interface', async () => {
  const interfaces = listInterfaces()
  const lab = startLab([...LAB, '--data-dir', folder])
  await lab.says(/export KUBECONFIG=/, 30)
  const namespaces = namespacesOf(lab.pid)
  expect(namespaces.size).toBe(3)
  await lab.end('SIGKILL')
  await eventually('an end of all in its namespaces', () =>
    survivors(namespaces).length === 0 ? true : undefined,
  )
  expect(listInterfaces()).toEqual(interfaces)
})

test('without the rights, one line says how to get them', async () => {
  const lab = startLab(LAB, NOBODY)
  expect(await lab.whenEnded).toBe(2)
  expect(lab.stdout()).toBe('')
  expect(lab.stderr()).toMatch(
    /^managed-dhcp: cannot make network namespaces here .*unshare --user --map-root-user --net npm start\n$/,
  )
})

test('that way it works without root', async () => {
  const lab = startLab([...LAB, '--once'], [...NOBODY, 'unshare', '--user', '--map-root-user', '--net'])
  expect(await lab.whenEnded, lab.stderr()).toBe(0)
  expect(lab.stdout()).toMatch(/✓ test-vm has 192\.168\.48\.8\d/)
})

function startLab(args: readonly string[], wrapper: readonly string[] = []): RunningProgram {
  const [command = '', ...rest] = [...wrapper, process.execPath, builtProgram(), ...args]
  const child: ChildProcess = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: '/nonexistent', TMPDIR: '/tmp' },
  })
  const program = follow(child, [...wrapper, 'managed-dhcp', ...args].join(' '))
  started.push(program)
  return program
}

/** The network namespaces of a process's children. */
function namespacesOf(parent: number): Set<string> {
  const own = readlinkSync('/proc/self/ns/net')
  const children = processes().filter(({ pid }) => parentOf(pid) === parent)
  return new Set(children.map(({ namespace }) => namespace).filter((namespace) => namespace !== own))
}

function survivors(namespaces: ReadonlySet<string>): number[] {
  return processes().flatMap(({ pid, namespace }) => (namespaces.has(namespace) ? [pid] : []))
}

function processes(): { pid: number; namespace: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const namespace = read(() => readlinkSync(`/proc/${name}/ns/net`))
      return namespace === undefined ? [] : [{ pid: Number(name), namespace }]
    })
}

function parentOf(pid: number): number | undefined {
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // The program's name is in parentheses and may hold anything.
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

/** A process may end while one looks at it. */
function read(look: () => string): string | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
