import * as z from 'zod'
import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../api/values/ipv4-address.ts'
import type { ClientLease } from './clients/lease.ts'

const Address = z.string().transform((text, context) => {
  try {
    return parseIPv4Address(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'no address' })
    return z.NEVER
  }
})

const LeaseText = z.object({
  address: Address,
  subnetMask: Address.optional(),
  routers: z.array(Address),
  dnsServers: z.array(Address),
  domainName: z.string().optional(),
  domainSearch: z.array(z.string()),
  ntpServers: z.array(Address),
  leaseSeconds: z.number().optional(),
  serverIdentifier: Address.optional(),
})

/** One line of JSON, addresses in dotted decimals. */
export function formatLease(lease: ClientLease): string {
  const maybe = (address: IPv4Address | undefined) =>
    address === undefined ? undefined : formatIPv4Address(address)
  return JSON.stringify({
    ...lease,
    address: formatIPv4Address(lease.address),
    subnetMask: maybe(lease.subnetMask),
    routers: lease.routers.map(formatIPv4Address),
    dnsServers: lease.dnsServers.map(formatIPv4Address),
    ntpServers: lease.ntpServers.map(formatIPv4Address),
    serverIdentifier: maybe(lease.serverIdentifier),
  })
}

/** @throws z.ZodError @throws SyntaxError when it is no JSON */
export function parseLease(line: string): ClientLease {
  const { subnetMask, domainName, leaseSeconds, serverIdentifier, ...rest } = LeaseText.parse(
    JSON.parse(line),
  )
  return { ...rest, subnetMask, domainName, leaseSeconds, serverIdentifier }
}
