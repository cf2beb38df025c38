import type { IPPoolSpec } from './ippool.ts'
import { broadcastAddress, type Cidr, parseCidr } from './values/cidr.ts'
import {
  formatIPv4Address,
  type IPv4Address,
  parseIPv4Address,
  toIPv4Address,
} from './values/ipv4-address.ts'

type IPv4Config = IPPoolSpec['ipv4Config']

/** The first and the last address that a host may have. RFC 3021: in a /31 and a /32 that is every address. */
export function hostsOf(subnet: Cidr): { first: IPv4Address; last: IPv4Address } {
  const last = broadcastAddress(subnet)
  if (subnet.prefixLength >= 31) return { first: subnet.network, last }
  return { first: toIPv4Address(subnet.network + 1), last: toIPv4Address(last - 1) }
}

/**
 * Where `spec.ipv4Config.pool.start` and `end` are absent: the first and the last host of the subnet that is neither
 * the server nor the router. Whoever reads the object works out the same.
 */
export function defaultRange(
  subnet: Cidr,
  own: readonly (IPv4Address | undefined)[],
): { start: IPv4Address; end: IPv4Address } {
  let { first, last } = hostsOf(subnet)
  while (own.includes(first) && first < last) first = toIPv4Address(first + 1)
  while (own.includes(last) && last > first) last = toIPv4Address(last - 1)
  return { start: first, end: last }
}

/**
 * For `spec.ipv4Config.serverIP`, where it is absent: the lowest host outside the range that is neither the router, nor
 * excluded, nor taken; else the lowest such host of the range. An address once chosen must be written down, because what
 * is taken changes; so only admission asks this.
 *
 * @param isTaken a VM holds the address, or may still use it
 * @returns undefined when the subnet is full or the configuration cannot be read
 */
export function chooseServerAddress(
  config: IPv4Config,
  isTaken: (address: IPv4Address) => boolean,
): IPv4Address | undefined {
  const subnet = readable(() => parseCidr(config.cidr))
  if (subnet === undefined) return undefined
  const router = address(config.router)
  const avoided = new Set([router, ...(config.pool?.exclude ?? []).map(address)])
  const start = address(config.pool?.start)
  const end = address(config.pool?.end)
  const { first, last } = hostsOf(subnet)
  // One end alone says where the range goes on to; none says nothing, and then the range makes room for the server.
  const range =
    start === undefined && end === undefined ? undefined : { start: start ?? first, end: end ?? last }
  const isFree = (candidate: IPv4Address) => !avoided.has(candidate) && !isTaken(candidate)
  for (let host = first; host <= last; host = toIPv4Address(host + 1)) {
    if (range !== undefined && host >= range.start && host <= range.end) {
      if (range.end >= last) break
      host = range.end
    } else if (isFree(host)) return host
    if (host === last) break
  }
  if (range === undefined) return undefined
  for (let host = Math.max(range.start, first); host <= Math.min(range.end, last); host += 1) {
    if (isFree(toIPv4Address(host))) return toIPv4Address(host)
  }
  return undefined
}

/** The address as text where there is one, for an object. */
export const textOf = (value: IPv4Address | undefined): string | undefined =>
  value === undefined ? undefined : formatIPv4Address(value)

function address(text: string | undefined): IPv4Address | undefined {
  return text ? readable(() => parseIPv4Address(text)) : undefined
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
