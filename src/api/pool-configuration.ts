import type { FieldProblem } from './field-problem.ts'
import type { IPPool } from './ippool.ts'
import { chooseServerAddress, defaultRange } from './pool-defaults.ts'
import { broadcastAddress, type Cidr, cidrContains, formatCidr, parseCidr } from './values/cidr.ts'
import { parseDomainName } from './values/domain-name.ts'
import { formatIPv4Address, type IPv4Address, parseIPv4Address } from './values/ipv4-address.ts'
import { type ObjectKey, parseObjectKey } from './values/object-key.ts'

/** What an IPPool asks for, parsed and checked: every address is where it must be. */
export interface PoolConfiguration {
  network: ObjectKey
  serverAddress: IPv4Address
  subnet: Cidr
  /** Both ends belong to the range. */
  range: { start: IPv4Address; end: IPv4Address }
  excluded: readonly IPv4Address[]
  router: IPv4Address | undefined
  dns: readonly IPv4Address[]
  domainName: string | undefined
  domainSearch: readonly string[]
  /** Addresses and names, as written. */
  ntp: readonly string[]
  leaseSeconds: number
  paused: boolean
}

/** Where `spec.ipv4Config.leaseTime` is absent. */
export const DEFAULT_LEASE_SECONDS = 3600

export type ParsedPool =
  | { ok: true; configuration: PoolConfiguration }
  | { ok: false; problems: readonly FieldProblem[] }

/** Checks everything that can be known from the object alone, and reports every problem, not just the first. */
export function parsePoolConfiguration(pool: Pick<IPPool, 'metadata' | 'spec'>): ParsedPool {
  const problems: FieldProblem[] = []
  const { ipv4Config, networkName, paused } = pool.spec
  const at = <T>(path: string, parse: () => T): T | undefined => {
    try {
      return parse()
    } catch (error) {
      problems.push({ path, message: error instanceof Error ? error.message : String(error) })
      return undefined
    }
  }
  const addressAt = (path: string, text: string) => at(path, () => parseIPv4Address(text))
  const addressesAt = (path: string, texts: readonly string[] = []) =>
    texts.flatMap((text, index) => addressAt(`${path}[${index}]`, text) ?? [])

  const base = 'spec.ipv4Config'
  const network = at('spec.networkName', () => parseObjectKey(networkName, pool.metadata.namespace))
  const subnet = at(`${base}.cidr`, () => parseCidr(ipv4Config.cidr))
  const { serverIP, pool: range = {} } = ipv4Config
  const serverAddress = serverIP ? addressAt(`${base}.serverIP`, serverIP) : undefined
  if (!serverIP) problems.push({ path: `${base}.serverIP`, message: missingServer(ipv4Config) })
  const router = ipv4Config.router ? addressAt(`${base}.router`, ipv4Config.router) : undefined
  const whole = subnet === undefined ? undefined : defaultRange(subnet, [serverAddress, router])
  const start = range.start ? addressAt(`${base}.pool.start`, range.start) : whole?.start
  const end = range.end ? addressAt(`${base}.pool.end`, range.end) : whole?.end
  const excluded = addressesAt(`${base}.pool.exclude`, range.exclude)
  const dns = addressesAt(`${base}.dns`, ipv4Config.dns)
  const { domainName, domainSearch = [], ntp = [], leaseTime = DEFAULT_LEASE_SECONDS } = ipv4Config
  if (domainName) at(`${base}.domainName`, () => parseDomainName(domainName))
  domainSearch.forEach((name, index) => {
    at(`${base}.domainSearch[${index}]`, () => parseDomainName(name))
  })
  ntp.forEach((server, index) => {
    at(`${base}.ntp[${index}]`, () => parseNtpServer(server))
  })
  if (!Number.isInteger(leaseTime) || leaseTime < 1 || leaseTime > 0xffffffff) {
    problems.push({
      path: `${base}.leaseTime`,
      message: `${leaseTime} is not a whole number of seconds from 1 to 4294967295`,
    })
  }

  if (subnet !== undefined) {
    const inside = { serverIP: serverAddress, 'pool.start': start, 'pool.end': end, router }
    for (const [field, address] of Object.entries(inside)) {
      const message = address === undefined ? undefined : hostProblem(subnet, address)
      if (message !== undefined) problems.push({ path: `${base}.${field}`, message })
    }
  }
  if (start !== undefined && end !== undefined && start > end) {
    problems.push({
      path: `${base}.pool.start`,
      message: `${formatIPv4Address(start)} is above ${base}.pool.end ${formatIPv4Address(end)}`,
    })
  }
  if (serverAddress !== undefined && serverAddress === router) {
    problems.push({
      path: `${base}.router`,
      message: `is the same address as ${base}.serverIP; they must differ`,
    })
  }

  if (
    problems.length > 0 ||
    network === undefined ||
    subnet === undefined ||
    serverAddress === undefined ||
    start === undefined ||
    end === undefined
  ) {
    return { ok: false, problems }
  }
  return {
    ok: true,
    configuration: {
      network,
      serverAddress,
      subnet,
      range: { start, end },
      excluded,
      router,
      dns,
      domainName: domainName || undefined,
      domainSearch,
      ntp,
      leaseSeconds: leaseTime,
      paused: paused ?? false,
    },
  }
}

/** Server and router address: never leased, marked RESERVED where they fall inside the range. */
export function reservedAddresses(configuration: PoolConfiguration): readonly IPv4Address[] {
  const { serverAddress, router, range } = configuration
  const own = router === undefined ? [serverAddress] : [serverAddress, router]
  return own.filter((address) => address >= range.start && address <= range.end)
}

/** Admission writes one; an object that came around it says what to write. */
function missingServer(ipv4Config: IPPool['spec']['ipv4Config']): string {
  const free = chooseServerAddress(ipv4Config, () => false)
  const example = free === undefined ? '' : `, for example ${formatIPv4Address(free)}`
  return `is missing: write an address of the subnet that nothing else uses${example}`
}

function hostProblem(subnet: Cidr, address: IPv4Address): string | undefined {
  const text = formatIPv4Address(address)
  if (!cidrContains(subnet, address)) return `${text} is outside spec.ipv4Config.cidr ${formatCidr(subnet)}`
  // RFC 3021: a /31 has neither network nor broadcast address; nor has a /32.
  if (subnet.prefixLength >= 31) return undefined
  if (address === subnet.network) return `${text} is the network address of ${formatCidr(subnet)}`
  if (address === broadcastAddress(subnet)) return `${text} is the broadcast address of ${formatCidr(subnet)}`
  return undefined
}

function parseNtpServer(text: string): void {
  if (/^[\d.]+$/.test(text)) parseIPv4Address(text)
  else parseDomainName(text)
}
