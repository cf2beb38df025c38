import { type IPv4Address, parseIPv4Address } from '../../api/values/ipv4-address.ts'

/** What a DHCP client was given, as it tells its script. */
export interface ClientLease {
  readonly address: IPv4Address
  readonly subnetMask: IPv4Address | undefined
  readonly routers: readonly IPv4Address[]
  readonly dnsServers: readonly IPv4Address[]
  readonly domainName: string | undefined
  readonly domainSearch: readonly string[]
  readonly ntpServers: readonly IPv4Address[]
  readonly leaseSeconds: number | undefined
  readonly serverIdentifier: IPv4Address | undefined
}

export type Variables = ReadonlyMap<string, string>

/** The names by which one kind of client hands values to its script. */
export type VariableNames = Record<
  | 'address'
  | 'subnetMask'
  | 'routers'
  | 'dnsServers'
  | 'domainName'
  | 'domainSearch'
  | 'ntpServers'
  | 'leaseSeconds'
  | 'serverIdentifier',
  string
>

/** dhclient-script(8); dhcpcd took the names over. */
export const ISC_NAMES: VariableNames = {
  address: 'new_ip_address',
  subnetMask: 'new_subnet_mask',
  routers: 'new_routers',
  dnsServers: 'new_domain_name_servers',
  domainName: 'new_domain_name',
  domainSearch: 'new_domain_search',
  ntpServers: 'new_ntp_servers',
  leaseSeconds: 'new_dhcp_lease_time',
  serverIdentifier: 'new_dhcp_server_identifier',
}

/** @returns undefined when the script was called without an address */
export function readLease(variables: Variables, names: VariableNames): ClientLease | undefined {
  const text = (name: keyof VariableNames) => variables.get(names[name])
  const words = (name: keyof VariableNames) => text(name)?.split(' ').filter(Boolean) ?? []
  const addresses = (name: keyof VariableNames) => words(name).map(parseIPv4Address)
  const [address] = addresses('address')
  if (address === undefined) return undefined
  const leaseSeconds = text('leaseSeconds')
  return {
    address,
    subnetMask: addresses('subnetMask')[0],
    routers: addresses('routers'),
    dnsServers: addresses('dnsServers'),
    domainName: text('domainName'),
    domainSearch: words('domainSearch').map((domain) => domain.replace(/\.$/, '')),
    ntpServers: addresses('ntpServers'),
    leaseSeconds: leaseSeconds === undefined ? undefined : Number(leaseSeconds),
    serverIdentifier: addresses('serverIdentifier')[0],
  }
}
