import { lookup } from 'node:dns/promises'
import { type IPv4Address, parseIPv4Address } from '../api/values/ipv4-address.ts'

/**
 * The IPv4 addresses of a host name, as the machine itself resolves it (hosts file, then DNS).
 * @throws NodeJS.ErrnoException ENOTFOUND, EAI_AGAIN, …
 */
export async function resolveIPv4(name: string): Promise<readonly IPv4Address[]> {
  const found = await lookup(name, { all: true, family: 4 })
  return found.map(({ address }) => parseIPv4Address(address))
}
