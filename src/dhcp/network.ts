import { broadcastAddress, type Cidr, netmask } from '../api/values/cidr.ts'
import { parseDomainName } from '../api/values/domain-name.ts'
import type { IPv4Address } from '../api/values/ipv4-address.ts'
import { encodeOptions, type OptionValues, type RawOptions } from './options.ts'

/** What a pool tells the clients of its network. */
export interface NetworkOptions {
  serverIdentifier: IPv4Address
  subnet: Cidr
  router?: IPv4Address
  dns: readonly IPv4Address[]
  domainName?: string
  domainSearch: readonly string[]
  ntpServers: readonly IPv4Address[]
  leaseSeconds: number
}

/** Network options with their bytes, made once for all replies. */
export interface PreparedNetwork {
  readonly serverIdentifier: IPv4Address
  readonly subnet: Cidr
  /** In every reply. */
  readonly identity: RawOptions
  /** In every OFFER and ACK, behind the identity. */
  readonly lease: RawOptions
  /** In an OFFER or ACK whose request asks for them, or asks for nothing in particular. */
  readonly onRequest: RawOptions
  /** In every OFFER and ACK, behind what was asked for. */
  readonly timers: RawOptions
}

/** RFC 2131 §3.3: a lease for ever. */
const INFINITE_LEASE = 0xffffffff

/**
 * @throws InvalidDomainNameError
 * @throws InvalidOptionError for values that their option cannot carry: more than 63 servers of a kind, say
 */
export function prepareNetwork(network: NetworkOptions): PreparedNetwork {
  const timers = encodeOptions(leaseTimers(network.leaseSeconds))
  return {
    serverIdentifier: network.serverIdentifier,
    subnet: network.subnet,
    identity: encodeOptions({ serverIdentifier: network.serverIdentifier }),
    // RFC 2132 §3.3: the subnet mask must stand before the routers, in whichever order they were asked for.
    lease: encodeOptions({
      leaseTime: network.leaseSeconds,
      subnetMask: netmask(network.subnet.prefixLength),
    }),
    onRequest: new Map([...encodeOptions(configuration(network)), ...timers]),
    timers,
  }
}

function configuration(network: NetworkOptions): Partial<OptionValues> {
  const { router, dns, domainName, domainSearch, ntpServers, subnet } = network
  return {
    ...(router !== undefined && { routers: [router] }),
    ...(dns.length > 0 && { dnsServers: dns }),
    ...(domainName !== undefined && { domainName: parseDomainName(domainName) }),
    // RFC 3021: /31 has no broadcast address; neither has a single host.
    ...(subnet.prefixLength < 31 && { broadcastAddress: broadcastAddress(subnet) }),
    ...(ntpServers.length > 0 && { ntpServers }),
    ...(domainSearch.length > 0 && { domainSearch: domainSearch.map(parseDomainName) }),
  }
}

/** RFC 2131 §4.4.5: T1 is half of the lease, T2 seven eighths. A lease for ever is not renewed. */
function leaseTimers(leaseSeconds: number): Partial<OptionValues> {
  if (leaseSeconds === INFINITE_LEASE) return {}
  return { renewalTime: Math.floor(leaseSeconds / 2), rebindingTime: Math.floor(leaseSeconds * 0.875) }
}
