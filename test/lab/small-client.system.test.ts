import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseIPv4Address as ip } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { createLabNetwork, type LabMachine, type LabNetwork } from '../../src/lab/network.ts'
import { runSmallClient } from '../../src/lab/run-small-client.ts'
import { bundleForNode } from './bundle.ts'
import { startReferenceServer } from './reference-server.ts'

let network: LabNetwork
let machine: LabMachine
beforeEach(async () => {
  network = await createLabNetwork('test')
  const server = await network.addMachine('server')
  machine = await network.addMachine('vm', {
    interfaceName: 'eth1',
    mac: parseMacAddress('ca:70:82:e6:84:6e'),
  })
  await startReferenceServer(server.namespace)
})
afterEach(() => network.close())

test('the own client gets a lease from a server that is not ours, and configures its interface', async () => {
  const program = await bundleForNode('src/lab/small-client-main.ts')
  const lease = await runSmallClient(machine.namespace, 'eth1', program)
  expect(lease).toMatchObject({
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
  expect(stdout).toMatch(/inet 192\.168\.48\.\d+\/24/)
})

test('for a missing interface the own client ends with one clear line', async () => {
  const program = await bundleForNode('src/lab/small-client-main.ts')
  await expect(runSmallClient(machine.namespace, 'eth9', program)).rejects.toMatchObject({
    name: 'CommandFailedError',
    stderr: expect.stringMatching(/^there is no network interface "eth9"; there are: .*\n$/),
  })
})
