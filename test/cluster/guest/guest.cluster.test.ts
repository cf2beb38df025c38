import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { parseIPv4Address as ip } from '../../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { startReferenceServer } from '../../lab/reference-server.ts'
import { Networks } from '../kubelet/runtime/networks.ts'
import { type Guest, startGuest } from './guest.ts'

/** A kernel under software emulation boots in half a minute on an idle machine. */
vi.setConfig({ testTimeout: 300_000 })

const MAC = parseMacAddress('ca:70:82:e6:84:6e')

let networks: Networks
let guest: Guest | undefined
beforeEach(() => {
  networks = new Networks()
})
afterEach(async () => {
  await guest?.stop()
  await networks.close()
})

test('a virtual machine boots its own kernel and is given its address by the DHCP server of the network', async () => {
  const network = networks.get('default/net-48')
  const server = await network.attachClient('server')
  await startReferenceServer(server.namespace)
  guest = await startGuest({ network, mac: MAC })

  const lease = await guest.lease()
  expect(lease).toMatchObject({
    subnetMask: ip('255.255.255.0'),
    routers: [ip('192.168.48.1')],
    dnsServers: [ip('1.1.1.1'), ip('8.8.8.8')],
    domainSearch: ['moe', 'aibao.moe'],
    serverIdentifier: ip('192.168.48.77'),
  })
  expect((await guest.exec('cat /sys/class/net/eth0/address')).output).toBe(`${MAC}\n`)
  expect(await guest.exec('ping -c 1 -W 5 192.168.48.77 >/dev/null')).toMatchObject({ exitCode: 0 })
  expect(await guest.exec('cat /proc/version')).toMatchObject({
    output: expect.stringContaining('cloud-amd64'),
  })

  expect((await guest.renew()).address).toBe(lease.address)
  await guest.release()
  expect((await guest.exec('ip -4 address show dev eth0')).output).not.toContain('192.168.48.')
})

test('a guest that gets no answer says so on its console, and goes on asking', async () => {
  guest = await startGuest({ network: networks.get('default/silent'), mac: MAC })
  expect(await guest.exec('echo up')).toEqual({ exitCode: 0, output: 'up\n' })
  expect(guest.reports.map(({ reason }) => reason)).not.toContain('bound')
  expect(await guest.exec('ls /no-such-file')).toMatchObject({ exitCode: 1 })
})

test('a guest that was ended tells so, with its last words', async () => {
  guest = await startGuest({ network: networks.get('default/silent'), mac: MAC })
  await guest.exec('echo last words')
  await expect(guest.exec('poweroff -f')).rejects.toThrow(/the guest ended; its console: [\s\S]*last words/)
})
