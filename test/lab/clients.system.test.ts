import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { seconds } from '../../src/api/values/time.ts'
import { decodePacket } from '../../src/dhcp/decode-packet.ts'
import { getOption } from '../../src/dhcp/options.ts'
import { clientMacAddress } from '../../src/dhcp/packet.ts'
import { ClientFailedError, createDhcpClient, type DhcpClient } from '../../src/lab/clients/client.ts'
import type { ClientKind } from '../../src/lab/clients/program.ts'
import { createLabNetwork, type LabMachine, type LabNetwork } from '../../src/lab/network.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { HostedTransport } from '../transports/packets/hosted-transport.ts'
import { startReferenceServer } from './reference-server.ts'

const MAC = parseMacAddress('ca:70:82:e6:84:6e')
const ip = parseIPv4Address

describe.each<ClientKind>(['udhcpc', 'dhclient', 'dhcpcd'])('the client %s', (kind) => {
  let network: LabNetwork
  let server: LabMachine
  let machine: LabMachine
  let client: DhcpClient
  beforeEach(async () => {
    network = await createLabNetwork('test')
    server = await network.addMachine('server')
    machine = await network.addMachine('vm', { interfaceName: 'eth1', mac: MAC })
    client = createDhcpClient({
      kind,
      namespace: machine.namespace,
      interfaceName: 'eth1',
      clock: systemClock,
      timeout: seconds(25),
    })
  })
  afterEach(() => network.close())

  test('gets a lease, tells all that it was given, and configures its interface', async () => {
    await startReferenceServer(server.namespace)
    expect(await client.start()).toEqual({
      address: expect.any(Number),
      subnetMask: ip('255.255.255.0'),
      routers: [ip('192.168.48.1')],
      dnsServers: [ip('1.1.1.1'), ip('8.8.8.8')],
      domainName: 'aibao.moe',
      domainSearch: ['moe', 'aibao.moe'],
      ntpServers: [ip('162.159.200.1')],
      leaseSeconds: 300,
      serverIdentifier: ip('192.168.48.77'),
    })
    const { stdout } = await machine.namespace.exec('ip', ['-4', 'address', 'show', 'dev', 'eth1'])
    expect(stdout).toContain('inet 192.168.48.')
  })

  test('renews', async () => {
    await startReferenceServer(server.namespace, { leaseSeconds: 8 })
    const lease = await client.start()
    expect(await client.renew()).toEqual(lease)
  })

  test('keeps its address over a reboot', async () => {
    await startReferenceServer(server.namespace)
    const lease = await client.start()
    expect((await client.reboot()).address).toBe(lease.address)
  })

  test('sends DISCOVER, REQUEST and, when it gives its lease back, RELEASE, all with its MAC', async () => {
    await startReferenceServer(server.namespace)
    const ear = await HostedTransport.open(server.namespace, { interfaceName: 'eth0', port: 67 })
    await client.start()
    await client.release()
    const heard = () => ear.received.map((datagram) => decodePacket(datagram.payload))
    await ear.until(() => heard().some((packet) => getOption(packet.options, 'messageType') === 'RELEASE'))
    expect(heard().map((packet) => getOption(packet.options, 'messageType'))).toEqual(
      expect.arrayContaining(['DISCOVER', 'REQUEST', 'RELEASE']),
    )
    expect(new Set(heard().map(clientMacAddress))).toEqual(new Set([MAC]))
    expect(client.lease).toBeUndefined()
  })

  test('is stopped and started again', async () => {
    await startReferenceServer(server.namespace)
    const lease = await client.start()
    await client.stop()
    expect(client.lease).toBeUndefined()
    expect((await client.start()).address).toBe(lease.address)
  })

  test('without a server it fails with what the program said', async () => {
    const hopeless = createDhcpClient({
      kind,
      namespace: machine.namespace,
      interfaceName: 'eth1',
      clock: systemClock,
      timeout: seconds(3),
    })
    const failure = hopeless.start()
    await expect(failure).rejects.toBeInstanceOf(ClientFailedError)
    await expect(failure).rejects.toThrow(/did not get there within 3 s.*(discover|soliciting)/is)
  })
})
