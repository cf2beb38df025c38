import type { FieldProblem } from '../../api/field-problem.ts'
import { type PoolConfiguration, reservedAddresses } from '../../api/pool-configuration.ts'
import { broadcastAddress, cidrContains, formatCidr } from '../../api/values/cidr.ts'
import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../../api/values/ipv4-address.ts'
import { whyNoHost, whyNoSubnet } from './special-addresses.ts'
import { readable } from './wishes.ts'

const BASE = 'spec.ipv4Config'

/**
 * Values that can be read and mean nothing. Not part of `parsePoolConfiguration`: a pool that was accepted with one of
 * them, by the old add-on, goes on being served.
 */
export function valueProblems(configuration: PoolConfiguration): readonly FieldProblem[] {
  const { subnet, excluded, dns, ntp } = configuration
  const problems: FieldProblem[] = []
  const special = whyNoSubnet(subnet)
  if (special !== undefined) {
    problems.push({
      path: `${BASE}.cidr`,
      message: `${formatCidr(subnet)} ${special}; choose a subnet for hosts`,
    })
  }
  excluded.forEach((address, index) => {
    if (cidrContains(subnet, address)) return
    problems.push({
      path: `${BASE}.pool.exclude[${index}]`,
      message: `${formatIPv4Address(address)} is outside ${BASE}.cidr ${formatCidr(subnet)}; correct or remove it`,
    })
  })
  const servers = [
    ...dns.map((address, index) => [`${BASE}.dns[${index}]`, address] as const),
    ...ntp.map((text, index) => [`${BASE}.ntp[${index}]`, readable(() => parseIPv4Address(text))] as const),
  ]
  for (const [path, address] of servers) {
    const why = address === undefined ? undefined : whyNoServer(address, configuration)
    if (address !== undefined && why !== undefined) {
      const message = `${formatIPv4Address(address)} ${why}; write the address of a server`
      problems.push({ path, message })
    }
  }
  return problems
}

/** What works, and is hardly meant. */
export function valueWarnings(configuration: PoolConfiguration): readonly string[] {
  const { range, excluded, leaseSeconds } = configuration
  const warnings: string[] = []
  const isInside = (address: IPv4Address) => address >= range.start && address <= range.end
  const idle = excluded.filter((address) => !isInside(address))
  if (idle.length > 0) {
    const list = idle.slice(0, 5).map(formatIPv4Address).join(', ')
    warnings.push(`${BASE}.pool.exclude: ${list} lies outside the range and would not be leased anyway`)
  }
  const kept = new Set([...excluded.filter(isInside), ...reservedAddresses(configuration)])
  if (range.end - range.start + 1 <= kept.size) {
    warnings.push(`${BASE}.pool: every address of the range is excluded or reserved, none can be leased`)
  }
  if (leaseSeconds < 60) {
    warnings.push(`${BASE}.leaseTime: ${leaseSeconds} s is short; clients renew after half of it`)
  }
  return warnings
}

function whyNoServer(address: IPv4Address, { subnet }: PoolConfiguration): string | undefined {
  const special = whyNoHost(address)
  if (special !== undefined || subnet.prefixLength >= 31) return special
  if (address === subnet.network) return `is the network address of ${formatCidr(subnet)}`
  return address === broadcastAddress(subnet)
    ? `is the broadcast address of ${formatCidr(subnet)}`
    : undefined
}
