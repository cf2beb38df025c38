import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { DhcpClient } from '../../../src/lab/clients/client.ts'
import { builtProgram } from '../../e2e/support/build.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { httpGet } from '../../e2e/support/http.ts'
import { createKubectl, type Kubectl } from '../../e2e/support/kubectl.ts'
import { createE2eLab, type E2eLab, NET_48, startClient } from '../../e2e/support/lab.ts'
import { type RunningProgram, startProgram } from '../../e2e/support/program.ts'
import { bundleForNode } from '../../lab/bundle.ts'

/**
 * What the Deployment of an agent gives its containers: uid 0, no capability but those named, no way to gain one, and a
 * root file system that cannot be written.
 */
const HEALTH = '127.0.0.1:8081'
const MAC = '02:00:00:00:48:01'
const STATE = '/run/managed-dhcp-state'

let lab: E2eLab
let kubectl: Kubectl
let api: RunningProgram
let agent: RunningProgram
let client: DhcpClient
beforeAll(async () => {
  lab = await createE2eLab()
  const kubeconfig = join(lab.folder, 'kubeconfig')
  kubectl = createKubectl(lab.server, kubeconfig)
  const bundle = await bundleForNode('test/e2e/support/api-process.ts')
  const data = [join(lab.folder, 'api'), kubeconfig, '8001']
  api = startProgram(lab.server, process.execPath, [bundle, ...data])
  await api.says(/^serving$/m)
  await lab.server.exec('mkdir', ['-p', STATE])
  await kubectl.applyExample('ippool-net-48.yaml')
  const status = { status: { ipv4: { allocated: { '192.168.48.84': MAC }, revision: 1 } } }
  const target = ['ippool.network', 'net-48', '--subresource=status', '--type=merge']
  await kubectl.run(['patch', ...target, '-p', JSON.stringify(status)])
})
afterAll(async () => {
  await client?.stop()
  await Promise.all([agent, api].map((program) => program?.end('SIGKILL')))
  await lab?.close()
})

test('set-address puts the address there with NET_ADMIN alone, and does so again without harm', async () => {
  const set = () =>
    contained(['net_admin'], ['set-address', '--nic', 'eth1', '--address', '192.168.48.77/24'])
  expect(await ended(set())).toEqual({ code: 0, stdout: 'eth1 has 192.168.48.77/24\n', stderr: '' })
  expect(await ended(set())).toMatchObject({ code: 0, stdout: 'eth1 had already 192.168.48.77/24\n' })
})

test.each([
  [1, ['net_admin'], '--nic eth9 --address 10.0.0.1/24 --wait 1', /no network interface eth9 after 1 s/],
  [1, ['net_raw'], '--nic eth2 --address 10.0.0.1/24', /eth2 has no address 10\.0\.0\.1\/24/],
  [2, ['net_admin'], '--nic eth1 --address 10.0.0.1', /expected ADDRESS\/LENGTH/],
  [2, ['net_admin'], '--nic eth1 --address 10.0.0.300/24', /10\.0\.0\.300/],
  [2, ['net_admin'], '--nic a-very-long-interface --address 10.0.0.1/8', /name of a network interface/],
])('set-address ends with %i and one line when it cannot: %s %s', async (code, rights, flags, line) => {
  const result = await ended(contained(rights, ['set-address', ...flags.split(' ')]))

  expect(result).toMatchObject({ code, stdout: '' })
  expect(result.stderr).toMatch(line)
  expect(result.stderr.trimEnd().split('\n')).toHaveLength(1)
})

test('with NET_RAW and NET_BIND_SERVICE alone an agent serves a real DHCP client', async () => {
  agent = startAgent()
  await untilReadiness({ ok: true, reasons: [] })
  const status = await readFile(`/proc/${agent.pid}/status`, 'utf8')
  expect(status).toMatch(/^CapEff:\s+0000000000002400$/m)
  expect(status).toMatch(/^CapBnd:\s+0000000000002400$/m)
  expect(status).toMatch(/^NoNewPrivs:\s+1$/m)

  client = startClient('udhcpc', await lab.addMachine(lab.net48, 'guest', MAC))

  expect(formatIPv4Address((await client.start()).address)).toBe('192.168.48.84')
  // By unicast, to the address that the other container has set.
  expect(formatIPv4Address((await client.renew()).address)).toBe('192.168.48.84')
})

test('an interface that is down makes it unready, and up again ready', async () => {
  await lab.server.exec('ip', ['link', 'set', 'eth1', 'down'])
  await untilReadiness({
    ok: false,
    reasons: [expect.stringMatching(/eth1 is down, or nothing is plugged in/)],
  })
  await lab.server.exec('ip', ['link', 'set', 'eth1', 'up'])
  await untilReadiness({ ok: true, reasons: [] })
})

test('a server address that is edited is in the answers at once; the agent cannot set it, and stays ready', async () => {
  await kubectl.patch('ippool.network', 'net-48', { spec: { ipv4Config: { serverIP: '192.168.48.78' } } })

  const told = expect.stringMatching(/eth1 has 192\.168\.48\.77, not 192\.168\.48\.78/)
  await untilReadiness({ ok: true, reasons: [told] })
  const { address, serverIdentifier } = await client.reboot()
  expect(formatIPv4Address(address)).toBe('192.168.48.84')
  expect(serverIdentifier && formatIPv4Address(serverIdentifier)).toBe('192.168.48.78')
  expect(agent.ended()).toBeUndefined()

  const flags = ['--nic', 'eth1', '--address', '192.168.48.78/24']
  expect((await ended(contained(['net_admin'], ['set-address', ...flags]))).code).toBe(0)
  await untilReadiness({ ok: true, reasons: [] })
})

test('with the API gone it stays ready, also after a restart; without state it is not', async () => {
  await api.end('SIGKILL')
  await agent.end('SIGKILL')
  agent = startAgent()
  await untilReadiness({ ok: true, reasons: [] })

  expect(await agent.end('SIGTERM')).toBe(0)
  await lab.server.exec('sh', ['-c', `rm -rf ${STATE}/*`])
  agent = startAgent()
  await untilReadiness({ ok: false, reasons: ['the IPPool default/net-48 is not known yet'] })
})

function startAgent(): RunningProgram {
  return contained(
    ['net_raw', 'net_bind_service'],
    [
      ...['agent', '--ippool-ref', 'default/net-48', '--nic', NET_48.interfaceName],
      ...['--kubeconfig', join(lab.folder, 'kubeconfig'), '--state-dir', STATE, '--health', HEALTH],
    ],
  )
}

/** In a mount namespace of its own, whose root is read-only; /run is the lab's own tmpfs. */
function contained(capabilities: readonly string[], args: readonly string[]): RunningProgram {
  const bounding = ['-all', ...capabilities.map((name) => `+${name}`)].join(',')
  const restricted = `setpriv --no-new-privs --inh-caps=-all --bounding-set=${bounding}`
  const script = `mount -o remount,bind,ro / && exec ${restricted} "$@"`
  return startProgram(lab.server, 'unshare', [
    ...['--mount', 'sh', '-c', script, 'sh', process.execPath, builtProgram(), ...args],
  ])
}

async function ended(program: RunningProgram) {
  return { code: await program.whenEnded, stdout: program.stdout(), stderr: program.stderr() }
}

async function untilReadiness(wanted: { ok: boolean; reasons: unknown[] }): Promise<void> {
  await eventually('readiness', async () => {
    const { body } = await httpGet(lab.server, `http://${HEALTH}/readyz`)
    expect(JSON.parse(body)).toEqual(wanted)
    return true
  })
}
