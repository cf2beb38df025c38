import { isDeepStrictEqual } from 'node:util'
import { type IPPool, ipPoolSchema } from '../api/ippool.ts'
import type { KubeObject } from '../api/object.ts'
import { chooseServerAddress, defaultRange, hostsOf, textOf } from '../api/pool-defaults.ts'
import { parseCidr } from '../api/values/cidr.ts'
import { type IPv4Address, parseIPv4Address } from '../api/values/ipv4-address.ts'
import { parseMacAddress } from '../api/values/mac-address.ts'
import { formatObjectKey, parseObjectKey } from '../api/values/object-key.ts'
import {
  type RequestedNetwork,
  type VmNetworkConfig,
  vmNetworkConfigSchema,
} from '../api/vm-network-config.ts'
import type { ClusterView } from './cluster-view.ts'
import { withoutFilledIn } from './filled-in.ts'
import { holdingsOf, networkOf, poolsOn, restingOf } from './rules/holders.ts'
import { readable } from './rules/wishes.ts'

/**
 * The pool with everything said that may be left out: the whole name of its network, its server address, its range.
 * What cannot be read stays as it is, for the validation to say.
 * @throws StoreError when the cluster cannot be asked
 */
export async function completePool(
  object: KubeObject,
  oldObject: KubeObject | undefined,
  view: ClusterView,
): Promise<KubeObject> {
  const pool = ipPoolSchema.safeParse(object).data
  if (pool === undefined) return object
  const networkName = fullName(pool.spec.networkName, pool.metadata.namespace)
  const old = ipPoolSchema.safeParse(oldObject).data
  const isTaken = await takenOn(pool, old, view)
  const ipv4Config = withoutFilledIn(pool, old, isTaken)
  const serverIP = ipv4Config.serverIP || serverAddressFor(ipv4Config, old, isTaken)
  const pools = wholeRange({ ...ipv4Config, ...(serverIP === undefined ? {} : { serverIP }) })
  return {
    ...pool,
    spec: {
      ...pool.spec,
      networkName,
      ipv4Config: {
        ...ipv4Config,
        ...(serverIP === undefined ? {} : { serverIP }),
        ...(pools === undefined ? {} : { pool: pools }),
      },
    },
  }
}

/** The object with MAC addresses and names of networks in one form, and in one spelling. */
export function normalizeConfig(object: KubeObject): KubeObject {
  const config = vmNetworkConfigSchema.safeParse(object).data
  if (config === undefined) return object
  const { networkConfig, networkConfigs, ...rest } = config.spec
  const normalized = (entries: readonly RequestedNetwork[]) =>
    entries.map((entry) => ({
      ...entry,
      macAddress: readable(() => parseMacAddress(entry.macAddress)) ?? entry.macAddress,
      networkName: fullName(entry.networkName, config.metadata.namespace),
    }))
  // An empty list in the other spelling would hide the one that is filled.
  const isIdle = (mine: readonly unknown[] | undefined, other: readonly unknown[] | undefined) =>
    mine === undefined || (mine.length === 0 && (other?.length ?? 0) > 0)
  const spec: VmNetworkConfig['spec'] = {
    ...rest,
    ...(isIdle(networkConfig, networkConfigs) ? {} : { networkConfig: normalized(networkConfig ?? []) }),
    ...(isIdle(networkConfigs, networkConfig) ? {} : { networkConfigs: normalized(networkConfigs ?? []) }),
  }
  return { ...config, spec }
}

/** Of addresses that VMs hold or may still use: asked only where an address may have to be chosen. */
async function takenOn(
  pool: IPPool,
  old: IPPool | undefined,
  view: ClusterView,
): Promise<(address: IPv4Address) => boolean> {
  const { cidr, serverIP } = pool.spec.ipv4Config
  const network = networkOf(pool)
  if (network === undefined || (serverIP && (old === undefined || old.spec.ipv4Config.cidr === cidr)))
    return () => false
  const pools = poolsOn(network, await view.pools())
  const taken = new Set(
    pools.flatMap((other) => [...holdingsOf(other), ...restingOf(other)].map(({ address }) => address)),
  )
  return (address) => taken.has(address)
}

/** The one that it had, while it fits: a server that moves without need makes its clients lose it. */
function serverAddressFor(
  ipv4Config: IPPool['spec']['ipv4Config'],
  old: IPPool | undefined,
  isTaken: (address: IPv4Address) => boolean,
): string | undefined {
  const earlier = old?.spec.ipv4Config.serverIP
  if (earlier && earlier !== ipv4Config.router && fits(earlier, ipv4Config.cidr)) return earlier
  return textOf(chooseServerAddress(ipv4Config, isTaken))
}

function wholeRange(ipv4Config: IPPool['spec']['ipv4Config']): IPPool['spec']['ipv4Config']['pool'] {
  const { pool = {} } = ipv4Config
  if (pool.start && pool.end) return pool
  const subnet = readable(() => parseCidr(ipv4Config.cidr))
  if (subnet === undefined) return ipv4Config.pool
  const own = [ipv4Config.serverIP, ipv4Config.router].map((text) =>
    text ? readable(() => parseIPv4Address(text)) : undefined,
  )
  const { start, end } = defaultRange(subnet, own)
  return { ...pool, start: pool.start || textOf(start), end: pool.end || textOf(end) }
}

/** As a host: a larger or smaller subnet may have its network or broadcast address there. */
function fits(text: string, cidr: string): boolean {
  const isHost = () => {
    const { first, last } = hostsOf(parseCidr(cidr))
    const address = parseIPv4Address(text)
    return address >= first && address <= last
  }
  return readable(isHost) ?? false
}

function fullName(name: string, namespace: string | undefined): string {
  return readable(() => formatObjectKey(parseObjectKey(name, namespace))) ?? name
}

/** True when the mutation may look at the object at all: nothing that is being deleted or was not edited is touched. */
export function isEdited(object: KubeObject, oldObject: KubeObject | undefined): boolean {
  if (object.metadata.deletionTimestamp !== undefined) return false
  return oldObject === undefined || !isDeepStrictEqual(oldObject.spec, object.spec)
}
