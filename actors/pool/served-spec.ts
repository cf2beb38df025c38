import { type IPPool, type IPPoolSpec, ipPoolSchema } from '../../src/api/ippool.ts'
import {
  DEFAULT_LEASE_SECONDS,
  type PoolConfiguration,
  parsePoolConfiguration,
} from '../../src/api/pool-configuration.ts'
import { defaultRange } from '../../src/api/pool-defaults.ts'
import { broadcastAddress, parseCidr } from '../../src/api/values/cidr.ts'
import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseObjectKey } from '../../src/api/values/object-key.ts'
import { LONGEST_LEASE_SECONDS } from './book.ts'
import { readable } from './readable.ts'

/**
 * The spec that is gone by: the IPPool's own when it is valid, else the last valid one that is known: `remembered` by
 * this process, or noted in the status by an earlier one. A slip of the pen must not take the clients' network away.
 */
export function servedSpec(pool: IPPool, remembered?: IPPoolSpec): IPPoolSpec | undefined {
  if (isValid(pool, pool.spec)) return pool.spec
  const { paused } = pool.spec
  for (const earlier of [remembered, readSpec(pool.status?.servedSpec)]) {
    if (earlier === undefined) continue
    // Whoever pauses a pool means it, whatever else is wrong.
    const { paused: _, ...rest } = earlier
    const spec: IPPoolSpec = paused === undefined ? rest : { ...rest, paused }
    if (isValid(pool, spec)) return spec
  }
  return undefined
}

/**
 * What an agent can serve: as above; of a spec that was never valid, what it says of everything but the range, which
 * only allocation goes by. Pools that an earlier system accepted may be so.
 */
export function servableSpec(pool: IPPool): IPPoolSpec {
  const served = servedSpec(pool)
  if (served !== undefined) return served
  const { pool: _, ...ipv4Config } = pool.spec.ipv4Config
  const withoutRange: IPPoolSpec = { ...pool.spec, ipv4Config }
  return isValid(pool, withoutRange) ? withoutRange : pool.spec
}

/**
 * Enough of a spec that was never valid to keep and to give back what the status says is held, and to count it.
 * Nothing new may be allocated by it. Undefined when not even the network is known.
 */
export function salvageConfiguration(pool: IPPool): PoolConfiguration | undefined {
  const { networkName, paused = false, ipv4Config } = pool.spec
  const { serverIP, cidr, pool: range = {}, leaseTime = DEFAULT_LEASE_SECONDS } = ipv4Config
  const network = readable(() => parseObjectKey(networkName, pool.metadata.namespace))
  if (network === undefined) return undefined
  const address = (text = '') => readable(() => parseIPv4Address(text))
  const subnet = readable(() => parseCidr(cidr)) ?? parseCidr('0.0.0.0/32')
  const serverAddress = address(serverIP) ?? subnet.network
  const whole = defaultRange(subnet, [address(serverIP), address(ipv4Config.router)])
  const start = range.start ? address(range.start) : whole.start
  const end = range.end ? address(range.end) : whole.end
  const hasRange = start !== undefined && end !== undefined && start <= end
  const own = subnet.prefixLength >= 31 ? [] : [subnet.network, broadcastAddress(subnet)]
  return {
    network,
    serverAddress,
    subnet,
    // The server's own address is never leased, so this is a range without any.
    range: hasRange ? { start, end } : { start: serverAddress, end: serverAddress },
    excluded: [...(range.exclude ?? []).flatMap((text) => address(text) ?? []), ...own],
    router: address(ipv4Config.router),
    dns: [],
    domainName: undefined,
    domainSearch: [],
    ntp: [],
    leaseSeconds: isLeaseTime(leaseTime) ? leaseTime : DEFAULT_LEASE_SECONDS,
    paused,
  }
}

function isLeaseTime(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= LONGEST_LEASE_SECONDS
}

function isValid({ metadata }: IPPool, spec: IPPoolSpec): boolean {
  return parsePoolConfiguration({ metadata, spec }).ok
}

/** Somebody may have written it by hand. */
function readSpec(spec: unknown): IPPoolSpec | undefined {
  return ipPoolSchema.shape.spec.safeParse(spec).data
}
