import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { DhcpClient } from '../../src/lab/clients/client.ts'
import type { ClientLease } from '../../src/lab/clients/lease.ts'
import type { ClientKind } from '../../src/lab/clients/program.ts'
import type { LabMachine } from '../../src/lab/network.ts'
import { packageFile } from '../../src/runtime/package-root.ts'
import { type Capture, startCapture } from './support/capture.ts'
import { eventually } from './support/eventually.ts'
import {
  createE2eLab,
  type E2eLab,
  EXAMPLE,
  NTP_ADDRESSES,
  type StandaloneHandle,
  startClient,
  startStandalone,
} from './support/lab.ts'
import { network, networkConfig } from './support/manifests.ts'

const KINDS: readonly ClientKind[] = ['udhcpc', 'dhclient', 'dhcpcd']
const MACS: Record<ClientKind, string> = {
  udhcpc: '02:00:00:00:01:01',
  dhclient: '02:00:00:00:01:02',
  dhcpcd: '02:00:00:00:01:03',
}
const STRANGER = '02:00:00:00:01:99'
const DHCP = 'udp port 67 or udp port 68'
/** Short enough to see clients renew by their own clock. */
const SHORT_LEASE = 16
const ip = parseIPv4Address

let lab: E2eLab
let standalone: StandaloneHandle
const clients = new Map<ClientKind, DhcpClient>()
beforeAll(async () => {
  lab = await createE2eLab()
  standalone = await startStandalone(lab)
  const { kubectl } = standalone
  await kubectl.apply([network('example')])
  for (const file of ['ippool-example.yaml', 'nad-net-48.yaml', 'ippool-net-48.yaml']) {
    await kubectl.applyExample(file)
  }
  await kubectl.untilServed('example')
  await kubectl.untilServed('net-48')
  await kubectl.apply(KINDS.map((kind) => networkConfig(kind, MACS[kind], EXAMPLE.name)))
  for (const kind of KINDS) {
    clients.set(kind, startClient(kind, await lab.addMachine(lab.example, kind, MACS[kind])))
  }
})
afterAll(async () => {
  await Promise.all([...clients.values()].map((client) => client.stop()))
  await standalone?.program.end('SIGTERM')
  await lab?.close()
})

describe('a client that starts', () => {
  test.concurrent.each(KINDS)('%s gets its address and every option of the pool', async (kind) => {
    const address = await standalone.kubectl.untilAllocated(kind, MACS[kind])
    expect(await clientOf(kind).start()).toEqual({
      address: ip(address),
      subnetMask: ip('255.255.255.0'),
      routers: [ip('192.168.100.1')],
      dnsServers: [ip('1.1.1.1')],
      domainName: 'example.com',
      domainSearch: ['example.com'],
      ntpServers: NTP_ADDRESSES.map(ip),
      leaseSeconds: 300,
      serverIdentifier: ip('192.168.100.2'),
    } satisfies ClientLease)
  })
})

describe('after a reboot', () => {
  beforeAll(() =>
    standalone.kubectl.patch('ippool', 'example', { spec: { ipv4Config: { leaseTime: SHORT_LEASE } } }),
  )

  test.concurrent.each(KINDS)('%s has its address again, and the pool’s new lease time', async (kind) => {
    const client = clientOf(kind)
    const address = client.lease?.address
    const lease = await eventually('the new lease time', async () => {
      const rebooted = await client.reboot()
      expect(rebooted.address).toBe(address)
      return rebooted.leaseSeconds === SHORT_LEASE ? rebooted : undefined
    })
    expect(lease.address).toBe(address)
    // udhcpc remembers its address, but not that it had a lease: it starts with DISCOVER.
    if (kind !== 'udhcpc') await standalone.program.says(loggedAck(kind, 'init-reboot'))
  })
})

describe('at half of the lease time', () => {
  let capture: Capture
  beforeAll(async () => {
    capture = await startCapture(lab.server, EXAMPLE.interfaceName, `${DHCP} or icmp`)
  })
  afterAll(() => capture?.stop())

  test.concurrent.each(KINDS)('%s renews by unicast, and the answer comes by unicast', async (kind) => {
    const client = clientOf(kind)
    const address = addressOf(client)
    expect(formatIPv4Address((await client.renew()).address)).toBe(address)
    const literal = address.replaceAll('.', '\\.')
    await capture.sees(new RegExp(`${literal}\\.68 > 192\\.168\\.100\\.2\\.67: BOOTP/DHCP, Request`))
    await capture.sees(new RegExp(`192\\.168\\.100\\.2\\.67 > ${literal}\\.68: BOOTP/DHCP, Reply`))
    await standalone.program.says(loggedAck(kind, 'renewing'))
  })

  test('nobody is told that port 67 is unreachable', () => {
    expect(capture.lines().filter((line) => line.includes('port 67 unreachable'))).toEqual([])
  })
})

describe('when another address was pinned', () => {
  const PINNED: Record<ClientKind, IPv4Address> = {
    udhcpc: ip('192.168.100.171'),
    dhclient: ip('192.168.100.172'),
    dhcpcd: ip('192.168.100.173'),
  }
  beforeAll(async () => {
    for (const kind of KINDS) {
      const wanted = {
        macAddress: MACS[kind],
        networkName: EXAMPLE.name,
        ipAddress: formatIPv4Address(PINNED[kind]),
      }
      await standalone.kubectl.patch('vmnetcfg', kind, { spec: { networkConfig: [wanted] } })
    }
  })

  test.concurrent.each(KINDS)('%s is refused its old address, and ends with the new one', async (kind) => {
    const client = clientOf(kind)
    const old = addressOf(client)
    // It hears of it when it renews, at half of its lease time, and may wait before it begins anew.
    await eventually('the new address', () => (client.lease?.address === PINNED[kind] ? true : undefined), {
      seconds: 40,
    })
    const { stdout } = await machineOf(kind).namespace.exec('ip', ['-4', 'address', 'show', 'dev', 'eth0'])
    expect(stdout).toContain(`inet ${formatIPv4Address(PINNED[kind])}/24`)
    expect(stdout).not.toContain(`inet ${old}/`)
    await standalone.program.says(new RegExp(`"type":"nak","macAddress":"${MACS[kind]}"`))
  })
})

describe('strangers', () => {
  test('a MAC address without a binding gets no answer, and hears nothing of the other network', async () => {
    const bystander = await lab.addMachine(lab.net48, 'bystander', STRANGER)
    const capture = await startCapture(bystander.namespace, 'eth0', DHCP)
    await clientOf('udhcpc').stop()
    await clientOf('udhcpc').start()
    await expect(askOnce(bystander)).rejects.toThrow(`no DHCPOFFER for ${STRANGER} within 2 s`)
    // It has heard its own DISCOVER, so it would have heard more.
    await capture.sees(/Request from/)
    await capture.stop()
    expect(capture.lines().filter((line) => !line.includes(`Request from ${STRANGER}`))).toEqual([])
  })

  test('a binding holds on its own network only: the same MAC on another gets no answer', async () => {
    const moved = await lab.addMachine(lab.net48, 'moved', MACS.dhclient)
    await expect(askOnce(moved)).rejects.toThrow('no DHCPOFFER')
  })
})

function clientOf(kind: ClientKind): DhcpClient {
  const client = clients.get(kind)
  if (client === undefined) throw new Error(`${kind} was not set up`)
  return client
}

function machineOf(kind: ClientKind): LabMachine {
  const machine = lab.example.machines[KINDS.indexOf(kind)]
  if (machine === undefined) throw new Error(`${kind} has no machine`)
  return machine
}

function addressOf({ lease, kind }: DhcpClient): string {
  if (lease === undefined) throw new Error(`${kind} has no lease`)
  return formatIPv4Address(lease.address)
}

function loggedAck(kind: ClientKind, state: string): RegExp {
  return new RegExp(`"type":"ack","macAddress":"${MACS[kind]}",[^}]*"clientState":"${state}"`)
}

/** The project's own client, which gives up after two seconds. */
function askOnce({ namespace, interfaceName }: LabMachine) {
  const program = packageFile('dist', 'src', 'lab', 'small-client-main.js')
  return namespace.exec(process.execPath, [program, interfaceName, '2'])
}
