import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { createNamespace, type NetworkNamespace } from '../../src/lab/namespace.ts'
import { ensureAddress, InterfaceAddressError, type RunCommand } from '../../src/network/interface-address.ts'
import { InterfaceNotFoundError } from '../../transports/packets/errors.ts'

const ADDRESS = parseIPv4Address('192.168.48.77')

let namespace: NetworkNamespace
let run: RunCommand
beforeEach(async () => {
  namespace = await createNamespace('test')
  run = (command, args, options) => namespace.exec(command, args, options)
  await run('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1'])
})
afterEach(() => namespace.close())

test('an address that is missing is put on the interface, which is brought up', async () => {
  expect(await ensureAddress('eth0', ADDRESS, 24, run)).toBe(true)
  expect(await addresses()).toContain('192.168.48.77/24')
  expect((await run('cat', ['/sys/class/net/eth0/flags'])).stdout).toMatch(/[13579bdf]$/m)
})

test('an address that is there is left as it is, whatever its prefix length', async () => {
  await run('ip', ['address', 'add', '192.168.48.77/22', 'dev', 'eth0'])
  expect(await ensureAddress('eth0', ADDRESS, 24, run)).toBe(false)
  expect(await addresses()).toContain('192.168.48.77/22')
})

test('another address on the interface stays', async () => {
  await run('ip', ['address', 'add', '10.0.0.1/8', 'dev', 'eth0'])
  await ensureAddress('eth0', ADDRESS, 24, run)
  expect(await addresses()).toMatch(/10\.0\.0\.1\/8.*192\.168\.48\.77\/24/s)
})

test('a missing interface is refused by name', async () => {
  await expect(ensureAddress('eth7', ADDRESS, 24, run)).rejects.toThrow(InterfaceNotFoundError)
})

test('without the right to set it, the error says what to run', async () => {
  const powerless: RunCommand = (command, args, options) =>
    run('setpriv', ['--bounding-set', '-net_admin', command, ...args], options)
  const failure = ensureAddress('eth0', ADDRESS, 24, powerless)
  await expect(failure).rejects.toThrow(InterfaceAddressError)
  await expect(failure).rejects.toThrow('ip address replace 192.168.48.77/24 dev eth0')
})

async function addresses(): Promise<string> {
  return (await run('ip', ['-4', 'address', 'show', 'dev', 'eth0'])).stdout
}
