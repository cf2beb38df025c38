import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { seconds } from '../../../../src/api/values/time.ts'
import { createNamespace, type NetworkNamespace } from '../../../../src/lab/namespace.ts'
import type { Identity } from '../spec/identity.ts'
import { type RunningContainer, startContainer } from './container.ts'
import type { Bind } from './container-script.ts'

const ROOT: Identity = {
  user: 0,
  group: 0,
  supplementalGroups: [],
  capabilities: [],
  noNewPrivileges: false,
  readOnlyRoot: false,
}

/** A container has started before its program is what it is to be. */
const SOON = { timeout: 20_000 }

let folder: string
let sandbox: NetworkNamespace
let output: string
const running: RunningContainer[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mdhcp-container-'))
  for (const name of ['layer', 'etc', 'volume']) mkdirSync(join(folder, name))
  for (const name of ['hosts', 'resolv.conf', 'hostname']) {
    writeFileSync(join(folder, 'etc', name), `the pod's ${name}\n`)
  }
  sandbox = await createNamespace('pod')
  output = ''
})
afterEach(async () => {
  for (const container of running.splice(0)) {
    container.signal('SIGKILL')
    await container.exited
  }
  await sandbox.close()
  rmSync(folder, { recursive: true })
})

describe('privileges, as the kernel sees them', () => {
  test('root with all capabilities dropped and two added has these two, and no way to get more', async () => {
    const capabilities = ['net_bind_service', 'net_raw']
    await run({ identity: { ...ROOT, capabilities, noNewPrivileges: true } }, 'cat /proc/self/status')
    const bits = 0b10_0100_0000_0000
    expect(status('CapBnd')).toBe(bits)
    expect(status('CapPrm')).toBe(bits)
    expect(status('CapEff')).toBe(bits)
    expect(status('CapInh')).toBe(0)
    expect(status('CapAmb')).toBe(0)
    expect(status('NoNewPrivs')).toBe(1)
  })

  test('a user other than root loses what was added when its program is executed', async () => {
    const identity = {
      ...ROOT,
      user: 1000,
      group: 1001,
      supplementalGroups: [2000],
      capabilities: ['net_raw'],
    }
    await run({ identity }, 'cat /proc/self/status; id')
    expect(status('CapBnd')).toBe(0b10_0000_0000_0000)
    expect(status('CapPrm')).toBe(0)
    expect(status('CapEff')).toBe(0)
    expect(status('NoNewPrivs')).toBe(0)
    expect(output).toMatch(/uid=1000\S* gid=1001\S* groups=1001\S*,2000/)
  })

  test('what a capability allows works with it and fails without it', async () => {
    const ping = 'python3 -c "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)" && echo raw'
    expect(await run({ identity: ROOT }, ping)).not.toBe(0)
    expect(await run({ identity: { ...ROOT, capabilities: ['net_raw'] } }, ping)).toBe(0)
    expect(
      await run({ identity: { ...ROOT, capabilities: ['net_raw'] } }, 'ip link add x type dummy'),
    ).not.toBe(0)
    expect(
      await run({ identity: { ...ROOT, capabilities: ['net_admin'] } }, 'ip link add x type bridge'),
    ).toBe(0)
  })
})

describe('file system', () => {
  test('a read-only root refuses to write anywhere but in volumes', async () => {
    const binds = [{ from: join(folder, 'volume'), to: '/var/lib/data', readOnly: false }]
    const places = ['/x', '/tmp/x', '/run/x', '/etc/x', '/root/x']
    const attempts = places.map((file) => `touch ${file} 2>&1 | grep -o "Read-only file system"`).join('; ')
    await run(
      { identity: { ...ROOT, readOnlyRoot: true }, binds },
      `${attempts}; echo kept > /var/lib/data/x`,
    )
    expect(output.match(/Read-only file system/g)).toHaveLength(places.length)
    expect(readFileSync(join(folder, 'volume', 'x'), 'utf8')).toBe('kept\n')
  })

  test('what is written to the root is seen by no other container and not by this machine', async () => {
    await run({ identity: ROOT }, 'echo mine > /etc/mine; cat /etc/mine; echo > /tmp/mine')
    expect(output).toContain('mine')
    await run({ identity: ROOT }, 'test -e /etc/mine -o -e /tmp/mine')
    expect(readdirSync('/etc')).not.toContain('mine')
  })

  test('a read-only volume refuses to be written, also below /var/run', async () => {
    writeFileSync(join(folder, 'volume', 'token'), 'secret\n')
    const to = '/var/run/secrets/kubernetes.io/serviceaccount'
    const binds = [{ from: join(folder, 'volume'), to, readOnly: true }]
    await run({ identity: ROOT, binds }, `cat ${to}/token; echo x > ${to}/token`)
    expect(output).toContain('secret\n')
    expect(output).toContain('Read-only file system')
  })

  test("this machine's own files of users, programs and tests are not there", async () => {
    await run({ identity: ROOT }, `ls -A /root /home /tmp /run; ls ${folder} 2>&1`)
    expect(output).toMatch(/^\/home:\n\n\/root:\n\n\/run:\n\n\/tmp:\nls: .*No such file or directory\n$/)
  })

  test('the pod gives names: hosts, resolv.conf and host name', async () => {
    await run({ identity: ROOT }, 'cat /etc/hosts /etc/resolv.conf; hostname')
    expect(output).toBe("the pod's hosts\nthe pod's resolv.conf\npod-1\n")
  })
})

describe('processes', () => {
  test('the program is process 1, and sees its own processes and interfaces only', async () => {
    const container = await start({}, 'exec sleep 60')
    const seen = () => container.exec(['sh', '-c', 'cat /proc/1/comm; ls /sys/class/net'], seconds(5))
    await expect.poll(seen, SOON).toEqual({ exitCode: 0, output: 'sleep\nlo\n' })
  })

  test('SIGTERM reaches the program, its exit code is told, and its children end with it', async () => {
    const container = await start({}, 'trap "echo bye; exit 3" TERM; sleep 4711 & echo up; wait')
    await expect.poll(() => output, SOON).toContain('up')
    container.signal('SIGTERM')
    expect(await container.exited).toBe(3)
    expect(output).toContain('bye')
    expect(commandLines()).not.toContain('sleep\u00004711\u0000')
  })

  test('SIGINT is not ignored by what never asked for that', async () => {
    await run({}, 'cat /proc/self/status')
    expect(status('SigIgn')).toBe(0)
  })

  test('what it prints can be written by way of /dev/stdout and /proc/1/fd/1 too', async () => {
    expect(await run({}, 'echo a >/dev/stdout; echo b >/proc/1/fd/1; echo c >/dev/stderr; exit 4')).toBe(4)
    expect(output).toBe('a\nb\nc\n')
  })

  test('SIGKILL ends what ignores SIGTERM: 137', async () => {
    const container = await start({}, 'trap "" TERM; sleep 60')
    container.signal('SIGTERM')
    container.signal('SIGKILL')
    expect(await container.exited).toBe(137)
  })

  test('a program that is not there ends with 127 and says so', async () => {
    expect(await (await start({}, '', ['no-such-program'])).exited).toBe(127)
    expect(output).toContain('no-such-program')
  })

  test('a command that takes too long inside is killed', async () => {
    const container = await start({}, 'exec sleep 60')
    expect(await container.exec(['sleep', '60'], seconds(0.2))).toMatchObject({ exitCode: 137 })
  })
})

async function run(what: { identity?: Identity; binds?: Bind[] }, script: string): Promise<number> {
  output = ''
  return (await start(what, script)).exited
}

async function start(
  { identity = ROOT, binds = [] }: { identity?: Identity; binds?: Bind[] },
  script: string,
  commandLine = ['sh', '-c', script],
): Promise<RunningContainer> {
  const container = await startContainer({
    sandboxPid: sandbox.pid,
    environment: new Map([['PATH', process.env.PATH ?? '']]),
    output: (text) => {
      output += text
    },
    setup: {
      hostname: 'pod-1',
      layerFolder: join(folder, 'layer'),
      etcFolder: join(folder, 'etc'),
      binds,
      identity,
      workingDir: '/',
      commandLine,
    },
  })
  running.push(container)
  return container
}

/** A line of /proc/PID/status; capability sets are hexadecimal. */
function status(name: string): number {
  const value = new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(output)?.[1] ?? ''
  return Number.parseInt(value, 16)
}

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    })
}
