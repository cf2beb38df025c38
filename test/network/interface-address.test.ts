import { expect, test } from 'vitest'
import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { CommandNotFoundError } from '../../src/network/command.ts'
import { ensureAddress, InterfaceAddressError } from '../../src/network/interface-address.ts'

test('where the program "ip" is missing, the error says so and names the address', async () => {
  const failure = ensureAddress('eth0', parseIPv4Address('192.168.48.77'), 24, async (command) => {
    throw new CommandNotFoundError(command)
  })
  await expect(failure).rejects.toThrow(InterfaceAddressError)
  await expect(failure).rejects.toThrow(/eth0 has no address 192\.168\.48\.77\/24 .*"ip" is not installed/)
})
