import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as z from 'zod'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { createNamespace, LAB_FOLDER, type NetworkNamespace } from '../../src/lab/namespace.ts'
import { createLabNetwork } from '../../src/lab/network.ts'
import { CommandFailedError, CommandNotFoundError } from '../../src/network/command.ts'
import { listInterfaces } from '../../src/network/interfaces.ts'
import { bundleForNode } from './bundle.ts'

const LabReport = z.object({ pids: z.array(z.number()), reachable: z.string() })

let namespace: NetworkNamespace
beforeEach(async () => {
  namespace = await createNamespace('test')
})
afterEach(() => namespace.close())

test('a namespace has its own interfaces only, and no IPv6', async () => {
  await namespace.exec('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1'])
  await namespace.exec('ip', ['link', 'set', 'eth0', 'up'])
  const { stdout } = await namespace.exec('ls', ['/sys/class/net'])
  expect(stdout.split('\n').filter((name) => name !== '')).toEqual(['eth0', 'eth1', 'lo'])
  expect((await namespace.exec('ip', ['-6', 'address'])).stdout).toBe('')
})

test('what a program writes to resolv.conf, hosts or /run stays in the namespace', async () => {
  const before = ['/etc/resolv.conf', '/etc/hosts'].map((file) => readFileSync(file, 'utf8'))
  await namespace.exec('sh', [
    '-c',
    'echo "nameserver 9.9.9.9" > /etc/resolv.conf; echo lab > /etc/hosts; echo lab > /run/lab-test; mkdir -p /run/dhcpcd',
  ])
  expect((await namespace.exec('cat', ['/etc/resolv.conf'])).stdout).toContain('9.9.9.9')
  expect(['/etc/resolv.conf', '/etc/hosts'].map((file) => readFileSync(file, 'utf8'))).toEqual(before)
  expect(existsSync('/run/lab-test')).toBe(false)
  expect(readFileSync(namespace.path('/run/lab-test'), 'utf8')).toBe('lab\n')
  expect(existsSync(LAB_FOLDER)).toBe(false)
})

test('a program that fails is reported with what it said', async () => {
  const failure = namespace.exec('sh', ['-c', 'echo went wrong >&2; exit 3'])
  await expect(failure).rejects.toBeInstanceOf(CommandFailedError)
  await expect(failure).rejects.toMatchObject({ status: 3, stderr: 'went wrong\n' })
})

test('a program that is not installed is named', async () => {
  await expect(namespace.exec('no-such-program', [])).rejects.toBeInstanceOf(CommandNotFoundError)
})

test('closing ends the programs inside, daemons too, and closing again is fine', async () => {
  const { stdout } = await namespace.exec('sh', ['-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo $!'])
  await namespace.close()
  await namespace.close()
  expect(isAlive(Number(stdout))).toBe(false)
  expect(isAlive(namespace.pid)).toBe(false)
})

test('a machine on the lab network has the MAC address that it was given', async () => {
  const network = await createLabNetwork('test')
  const mac = parseMacAddress('ca:70:82:e6:84:6e')
  const machine = await network.addMachine('vm', { interfaceName: 'eth1', mac })
  const { stdout } = await machine.namespace.exec('cat', ['/sys/class/net/eth1/address'])
  await network.close()
  expect(stdout.trim()).toBe(mac)
})

test('a lab leaves nothing behind when its process is killed', async () => {
  const interfaces = listInterfaces()
  const host = await startLabHost(['sh', '-c', 'exec "$@"', 'sh'])
  const report = await firstReport(host)
  expect(report.reachable).toBe('ECONNREFUSED')
  expect(report.pids.filter(isAlive)).toEqual(report.pids)
  host.kill('SIGKILL')
  while (report.pids.some(isAlive)) await wait(20)
  expect(listInterfaces()).toEqual(interfaces)
})

test('a lab works without root, in a user namespace', async () => {
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  const host = await startLabHost([...nobody, 'unshare', '--user', '--map-root-user', '--net'], ['--close'])
  const exit = new Promise((resolve) => host.once('close', resolve))
  const report = await firstReport(host)
  expect(report.reachable).toBe('ECONNREFUSED')
  expect(await exit).toBe(0)
  expect(report.pids.filter(isAlive)).toEqual([])
})

test('without the rights one message says what to run', async () => {
  const host = await startLabHost(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'])
  let complaint = ''
  host.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  await new Promise((resolve) => host.once('close', resolve))
  expect(complaint).toMatch(
    /^LabUnavailableError: cannot make network namespaces here .*unshare --user --map-root-user --net npm start\n$/,
  )
})

async function startLabHost(wrapper: string[], args: string[] = []): Promise<ChildProcess> {
  const bundle = await bundleForNode('test/lab/lab-host.ts')
  const [command = '', ...rest] = [...wrapper, process.execPath, bundle, ...args]
  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
}

function firstReport(host: ChildProcess): Promise<z.infer<typeof LabReport>> {
  return new Promise((resolve, reject) => {
    let errors = ''
    host.stderr?.on('data', (text) => {
      errors += text
    })
    host.stdout
      ?.setEncoding('utf8')
      .once('data', (line: string) => resolve(LabReport.parse(JSON.parse(line))))
    host.once('close', () => reject(new Error(`the lab's process ended: ${errors}`)))
  })
}

/** A zombie counts as dead: its parent only has not looked yet. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(join('/proc', String(pid), 'stat'), 'utf8'))
  } catch {
    return false
  }
}
