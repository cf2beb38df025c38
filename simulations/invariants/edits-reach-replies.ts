import { isDeepStrictEqual } from 'node:util'
import type { IPPool } from '../../src/api/ippool.ts'
import { parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import { broadcastAddress, netmask } from '../../src/api/values/cidr.ts'
import { parseDomainName } from '../../src/api/values/domain-name.ts'
import { formatIPv4Address, parseIPv4Address, toIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { getOption, type OptionName, type OptionValues } from '../../src/dhcp/options.ts'
import { clientMacAddress, type DhcpPacket } from '../../src/dhcp/packet.ts'
import type { Hearsay } from './hearsay.ts'
import type { Invariant, Witness } from './invariant.ts'
import { nameOf, networkOf, type PoolHistory, time, versionOf } from './pool-history.ts'
import { Questions } from './questions.ts'

type Terms = Partial<OptionValues>

/** What a spec says from a version of the pool on; undefined while it makes no sense: then an earlier one is served. */
interface Edition {
  readonly version: number
  readonly terms: Terms | undefined
}

/** In every reply. */
const ALWAYS = ['serverIdentifier', 'leaseTime', 'subnetMask', 'renewalTime', 'rebindingTime'] as const
/** What every client program asks for. */
const ASKED = ['routers', 'dnsServers', 'domainName'] as const
/** What some ask for. */
const SOMETIMES = ['domainSearch', 'ntpServers', 'broadcastAddress'] as const
/** What people write into the status by hand is doubted for a while, and the spec that comes with it. */
const AFTERMATH = 120_000

/**
 * What clients are told of their network is what the spec says: that of which the agent heard, or a later one of which a
 * message told. An edit reaches leases that are there with their next renewal.
 * @param areIntact packets of a network are neither doubled nor corrupted, and nobody lies there
 */
export function editsReachReplies(
  witness: Witness,
  history: PoolHistory,
  hearsay: Hearsay,
  areIntact: (network: string) => boolean,
): Invariant {
  const editions = new Map<string, Edition[]>()
  const questions = new Questions()

  return {
    client: (client, event) => questions.note(client, event, witness.now()),

    poolChanged({ pool }) {
      const { uid = '' } = pool.metadata
      const known = editions.get(uid) ?? []
      editions.set(uid, known)
      const terms = termsOf(pool)
      const before = known.at(-1)
      if (before !== undefined && isDeepStrictEqual(before.terms, terms)) return
      known.push({ version: versionOf(pool), terms })
    },

    replied({ agent, network, packet }) {
      const type = getOption(packet.options, 'messageType')
      const mac = clientMacAddress(packet)
      const [pool, ...others] = history.on(`default/${network}`)
      if (
        (type !== 'ACK' && type !== 'OFFER') ||
        mac === undefined ||
        pool === undefined ||
        others.length > 0
      )
        return
      const heard = hearsay.known(agent, nameOf(pool))
      if (heard === undefined || networkOf(heard.pool) !== `default/${network}`) return
      const { status } = history.editedAt(nameOf(pool))
      if (status !== undefined && witness.now() - status < AFTERMATH) return
      const known = editions.get(heard.uid) ?? []
      const first = known.findLastIndex(({ version }) => version <= heard.version)
      // By a spec that was wrong meanwhile, an earlier one may be served.
      const since = known.slice(first)
      if (first < 0 || since.some(({ terms }) => terms === undefined)) return
      const isAsked = areIntact(network) && questions.find(network, mac, packet.xid) !== undefined
      const flaws = since.flatMap(({ terms }) =>
        terms === undefined ? [] : [flawsIn(packet, terms, isAsked)],
      )
      if (flaws.some((found) => found.length === 0)) return
      const message = `${agent} told ${mac} (${type}) ${flaws[0]?.join(', ')}, as it heard of ${nameOf(pool)} at ${time(heard.at)}`
      witness.violated('edits reach replies', message, [mac, agent, nameOf(pool)])
    },
  }
}

function flawsIn({ options }: DhcpPacket, terms: Terms, isAsked: boolean): string[] {
  return [...ALWAYS, ...ASKED, ...SOMETIMES].flatMap((name) => {
    const said = getOption(options, name)
    const should = terms[name]
    const mayBeLeftOut = SOMETIMES.some((other) => other === name) || (isAskable(name) && !isAsked)
    if (String(said) === String(should) || (said === undefined && mayBeLeftOut)) return []
    return [`${name} ${textOf(name, said)} instead of ${textOf(name, should)}`]
  })
}

function isAskable(name: OptionName): boolean {
  return ASKED.some((other) => other === name)
}

function termsOf(pool: IPPool): Terms | undefined {
  const parsed = parsePoolConfiguration(pool)
  if (!parsed.ok) return undefined
  const { serverAddress, subnet, router, dns, domainName, domainSearch, leaseSeconds } = parsed.configuration
  const ntpServers = pool.status?.ipv4?.ntpServers ?? []
  return {
    serverIdentifier: serverAddress,
    leaseTime: leaseSeconds,
    subnetMask: netmask(subnet.prefixLength),
    // RFC 2131 §4.4.5: T1 is half of the lease, T2 seven eighths.
    renewalTime: Math.floor(leaseSeconds / 2),
    rebindingTime: Math.floor((leaseSeconds * 7) / 8),
    broadcastAddress: broadcastAddress(subnet),
    ...(router !== undefined && { routers: [router] }),
    ...(dns.length > 0 && { dnsServers: dns }),
    ...(domainName !== undefined && { domainName: parseDomainName(domainName) }),
    ...(domainSearch.length > 0 && { domainSearch: domainSearch.map(parseDomainName) }),
    ...(ntpServers.length > 0 && { ntpServers: ntpServers.map(parseIPv4Address) }),
  }
}

function textOf(name: OptionName, value: unknown): string {
  if (value === undefined) return 'nothing'
  const isCount = name === 'leaseTime' || name === 'renewalTime' || name === 'rebindingTime'
  const parts: unknown[] = Array.isArray(value) ? value : [value]
  return parts
    .map((part) =>
      typeof part === 'number' && !isCount ? formatIPv4Address(toIPv4Address(part)) : `${part}`,
    )
    .join(' ')
}
