import { isDeepStrictEqual } from 'node:util'
import { type IPPool, ipPoolSchema } from '../api/ippool.ts'
import type { KubeObject } from '../api/object.ts'
import { chooseServerAddress, defaultRange, textOf } from '../api/pool-defaults.ts'
import { cidrContains, parseCidr } from '../api/values/cidr.ts'
import { parseIPv4Address } from '../api/values/ipv4-address.ts'
import { parseMacAddress } from '../api/values/mac-address.ts'
import { formatObjectKey, parseObjectKey } from '../api/values/object-key.ts'
import {
  type RequestedNetwork,
  type VmNetworkConfig,
  vmNetworkConfigSchema,
} from '../api/vm-network-config.ts'
import type { ClusterView } from './cluster-view.ts'
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
  const { ipv4Config } = pool.spec
  const serverIP = ipv4Config.serverIP || (await serverAddressFor(pool, oldObject, view))
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

/** The one that it had, while it fits: a server that moves without need makes its clients lose it. */
async function serverAddressFor(
  pool: IPPool,
  oldObject: KubeObject | undefined,
  view: ClusterView,
): Promise<string | undefined> {
  const { ipv4Config } = pool.spec
  const earlier = ipPoolSchema.safeParse(oldObject).data?.spec.ipv4Config.serverIP
  if (earlier && earlier !== ipv4Config.router && fits(earlier, ipv4Config.cidr)) return earlier
  const network = networkOf(pool)
  const pools = network === undefined ? [] : poolsOn(network, await view.pools())
  const taken = new Set(
    pools.flatMap((other) => [...holdingsOf(other), ...restingOf(other)].map(({ address }) => address)),
  )
  return textOf(chooseServerAddress(ipv4Config, (address) => taken.has(address)))
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

function fits(address: string, cidr: string): boolean {
  return readable(() => cidrContains(parseCidr(cidr), parseIPv4Address(address))) ?? false
}

function fullName(name: string, namespace: string | undefined): string {
  return readable(() => formatObjectKey(parseObjectKey(name, namespace))) ?? name
}

/** True when the mutation may look at the object at all: nothing that is being deleted or was not edited is touched. */
export function isEdited(object: KubeObject, oldObject: KubeObject | undefined): boolean {
  if (object.metadata.deletionTimestamp !== undefined) return false
  return oldObject === undefined || !isDeepStrictEqual(oldObject.spec, object.spec)
}
