import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { DhcpClient } from '../../src/lab/clients/client.ts'
import type { ClientKind } from '../../src/lab/clients/program.ts'
import { bundleForNode } from '../lab/bundle.ts'
import { eventually } from './support/eventually.ts'
import { httpGet } from './support/http.ts'
import { allAddresses, createKubectl, type Kubectl } from './support/kubectl.ts'
import { createE2eLab, type E2eLab, NET_48, startClient } from './support/lab.ts'
import { networkConfig } from './support/manifests.ts'
import { type RunningProgram, startManagedDhcp, startProgram } from './support/program.ts'

const NATS_URL = 'nats://127.0.0.1:4222'
const AGENT_HEALTH = '127.0.0.1:9002'
const CONTROLLER_HEALTH = '127.0.0.1:9001'
const MACS = {
  udhcpc: '02:00:00:00:05:01',
  dhclient: '02:00:00:00:05:02',
  dhcpcd: '02:00:00:00:05:03',
} satisfies Record<ClientKind, string>

let lab: E2eLab
let kubectl: Kubectl
let kubeconfig: string
let apiBundle: string
let api: RunningProgram
let nats: RunningProgram
let controller: RunningProgram
let agent: RunningProgram
const clients = new Map<string, DhcpClient>()
beforeAll(async () => {
  lab = await createE2eLab()
  kubeconfig = join(lab.folder, 'kubeconfig')
  apiBundle = await bundleForNode('test/e2e/support/api-process.ts')
  kubectl = createKubectl(lab.server, kubeconfig)
  ;[api, nats] = await Promise.all([startApi(), startNats()])
  controller = startController()
  agent = startAgent()
  await kubectl.applyExample('nad-net-48.yaml')
  await kubectl.applyExample('ippool-net-48.yaml')
  await kubectl.untilServed('net-48')
})
afterAll(async () => {
  await Promise.all([...clients.values()].map((client) => client.stop()))
  await Promise.all([agent, controller, nats, api].map((program) => program?.end('SIGKILL')))
  await lab?.close()
})

test('a VM gets its address through the broker; a tap tells of it', async () => {
  const tap = startManagedDhcp(lab.server, ['tap', '--nats', NATS_URL])
  // A tap says nothing before there is something to tell: the agent is asked until the tap has heard it.
  await kubectl.apply([networkConfig('udhcpc', MACS.udhcpc, NET_48.name)])
  const address = await kubectl.untilAllocated('udhcpc', MACS.udhcpc)
  await boot('udhcpc', address)
  await eventually('the tap follows', async () => {
    await clientOf('udhcpc').reboot()
    return tap.stdout().includes('mdhcp.event.dhcp.default.net-48.ack') ? true : undefined
  })
  await kubectl.apply([networkConfig('dhclient', MACS.dhclient, NET_48.name)])
  await tap.says(new RegExp(`pool\\.default\\.net-48\\.lease-allocated .*macAddress=${MACS.dhclient}`))
  expect(await tap.end('SIGTERM')).toBe(0)
  await boot('dhclient', await kubectl.untilAllocated('dhclient', MACS.dhclient))
})

test('a controller that is killed and started again moves nothing and goes on allocating', async () => {
  const before = await allAddresses(kubectl)
  await controller.end('SIGKILL')
  controller = startController()
  await kubectl.apply([networkConfig('dhcpcd', MACS.dhcpcd, NET_48.name)])
  // Nobody let go of the killed one's Lease: it has to run out.
  const address = await kubectl.untilAllocated('dhcpcd', MACS.dhcpcd, { seconds: 40 })
  await boot('dhcpcd', address)
  expect(await allAddresses(kubectl)).toEqual(new Map([...before, ['dhcpcd', address]]))
})

test('an agent that is killed and started again serves the same leases', async () => {
  await agent.end('SIGKILL')
  agent = startAgent()
  await untilReady(AGENT_HEALTH)
  await expectRenewal('udhcpc')
  await expectRenewal('dhcpcd')
})

test('without the broker, an edit of the pool reaches the clients all the same', async () => {
  await nats.end('SIGKILL')
  await kubectl.patch('ippool', 'net-48', { spec: { ipv4Config: { dns: ['9.9.9.9'] } } })
  await eventually('the new DNS server', async () => {
    const { dnsServers } = await clientOf('udhcpc').renew()
    return dnsServers.map(formatIPv4Address).join() === '9.9.9.9' ? true : undefined
  })
  await eventually('the controller says that the broker is away', async () => {
    const answer = await httpGet(lab.server, `http://${CONTROLLER_HEALTH}/readyz`)
    expect(answer).toMatchObject({ status: 503, body: expect.stringContaining('messages: not connected') })
    return true
  })
  nats = await startNats()
  await untilReady(CONTROLLER_HEALTH)
})

test('with API, broker and controller gone, running clients renew', async () => {
  await Promise.all([controller, api, nats].map((program) => program.end('SIGKILL')))
  await expectRenewal('udhcpc')
  await expectRenewal('dhcpcd')
})

test('an agent that starts while all else is down serves what it knew: renewal, reboot, fresh start', async () => {
  await agent.end('SIGKILL')
  agent = startAgent()
  await untilReady(AGENT_HEALTH)
  await expectRenewal('udhcpc')
  const rebooted = clientOf('dhclient')
  const address = rebooted.lease?.address
  expect((await rebooted.reboot()).address).toBe(address)
  await agent.says(
    new RegExp(`"type":"ack","macAddress":"${MACS.dhclient}",[^}]*"clientState":"init-reboot"`),
  )
  const fresh = clientOf('udhcpc')
  const known = fresh.lease?.address
  await fresh.stop()
  expect((await fresh.start()).address).toBe(known)
})

test('when all is back, nothing has moved, and a new VM gets an address that its client binds', async () => {
  ;[api, nats] = await Promise.all([startApi(), startNats()])
  const before = await allAddresses(kubectl)
  controller = startController()
  await kubectl.apply([networkConfig('newcomer', '02:00:00:00:05:04', NET_48.name)])
  const address = await kubectl.untilAllocated('newcomer', '02:00:00:00:05:04', { seconds: 40 })
  const machine = await lab.addMachine(lab.net48, 'newcomer', '02:00:00:00:05:04')
  const client = startClient('udhcpc', machine)
  clients.set('newcomer', client)
  expect(formatIPv4Address((await client.start()).address)).toBe(address)
  await kubectl.untilServed('net-48')
  expect(await allAddresses(kubectl)).toEqual(new Map([...before, ['newcomer', address]]))
})

test('controller and agent stop cleanly when told to', async () => {
  expect(await Promise.all([controller.end('SIGTERM'), agent.end('SIGTERM')])).toEqual([0, 0])
})

async function startApi(): Promise<RunningProgram> {
  const program = startProgram(lab.server, process.execPath, [
    ...[apiBundle, join(lab.folder, 'api'), kubeconfig, '8001'],
  ])
  await program.says(/^serving$/m)
  return program
}

async function startNats(): Promise<RunningProgram> {
  // It logs on stderr.
  const command = 'exec nats-server -a 127.0.0.1 -p 4222 2>&1'
  const program = startProgram(lab.server, 'sh', ['-c', command])
  await program.says(/Server is ready/)
  return program
}

function startController(): RunningProgram {
  return startManagedDhcp(lab.server, [
    ...['controller', '--kubeconfig', kubeconfig, '--nats', NATS_URL, '--health', CONTROLLER_HEALTH],
  ])
}

function startAgent(): RunningProgram {
  return startManagedDhcp(lab.server, [
    ...['agent', '--ippool-ref', 'default/net-48', '--nic', NET_48.interfaceName, '--nats', NATS_URL],
    ...['--kubeconfig', kubeconfig, '--state-dir', join(lab.folder, 'state'), '--health', AGENT_HEALTH],
  ])
}

async function untilReady(health: string): Promise<void> {
  await eventually(`${health} is ready`, async () => {
    const { status, body } = await httpGet(lab.server, `http://${health}/readyz`)
    if (status !== 200) throw new Error(body)
    return true
  })
}

async function boot(kind: ClientKind, address: string): Promise<void> {
  const client = startClient(kind, await lab.addMachine(lab.net48, kind, MACS[kind]))
  clients.set(kind, client)
  expect(formatIPv4Address((await client.start()).address)).toBe(address)
}

async function expectRenewal(kind: ClientKind): Promise<void> {
  const client = clientOf(kind)
  const address = client.lease?.address
  expect((await client.renew()).address).toBe(address)
}

function clientOf(kind: ClientKind): DhcpClient {
  const client = clients.get(kind)
  if (client === undefined) throw new Error(`${kind} was not started`)
  return client
}
