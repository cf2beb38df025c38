import { leasesOf } from '../../actors/pool/book.ts'
import { type IPPool, ipPoolSchema } from '../api/ippool.ts'
import { IP_POOLS, VM_NETWORK_CONFIGS } from '../api/resource.ts'
import { formatIPv4Address } from '../api/values/ipv4-address.ts'
import { formatObjectKey, type ObjectKey, parseObjectKey } from '../api/values/object-key.ts'
import { networkStatuses, type VmNetworkConfig, vmNetworkConfigSchema } from '../api/vm-network-config.ts'
import type { Store } from '../kube/store.ts'
import { formatTable } from '../observe/table.ts'

const HEADER = ['POOL', 'NETWORK', 'ADDRESS', 'MAC', 'VM', 'STATE']

/**
 * Every lease of every pool, or of one, as a table; addresses that rest are told too.
 * @throws StoreError
 */
export async function listLeases(store: Store, only: ObjectKey | undefined): Promise<string> {
  const pools = only === undefined ? (await store.list(IP_POOLS)).items : [await store.get(IP_POOLS, only)]
  const configs = (await store.list(VM_NETWORK_CONFIGS)).items.flatMap(
    (item) => vmNetworkConfigSchema.safeParse(item).data ?? [],
  )
  const owners = ownersByMac(configs)
  const rows = pools.flatMap((item) => {
    const pool = ipPoolSchema.safeParse(item).data
    return pool === undefined ? [] : rowsOf(pool, owners)
  })
  return rows.length === 0 ? 'No leases found.\n' : formatTable([HEADER, ...rows])
}

function rowsOf(pool: IPPool, owners: ReadonlyMap<string, VmNetworkConfig>): string[][] {
  const { namespace = '', name } = pool.metadata
  const network = networkOf(pool.spec.networkName, namespace)
  const names = [formatObjectKey({ namespace, name }), network]
  const vmOf = (mac: string) => {
    const config = owners.get(`${mac} ${network}`)
    return config === undefined
      ? '-'
      : `${config.metadata.namespace}/${config.spec.vmName ?? config.metadata.name}`
  }
  const held = leasesOf(pool).map(([address, mac]) => [
    ...names,
    formatIPv4Address(address),
    mac,
    vmOf(mac),
    'Allocated',
  ])
  const resting = Object.entries(pool.status?.ipv4?.resting ?? {}).map(([address, { macAddress, until }]) => [
    ...names,
    address,
    macAddress,
    vmOf(macAddress),
    `Resting until ${until}`,
  ])
  return [...held, ...resting]
}

/** Of several that name one MAC, the one that holds an address: the others were refused it. */
function ownersByMac(configs: readonly VmNetworkConfig[]): Map<string, VmNetworkConfig> {
  const entries = configs.flatMap((config) =>
    networkStatuses(config).map(({ macAddress, networkName, allocatedIPAddress }) => {
      const network = networkOf(networkName, config.metadata.namespace ?? '')
      return {
        key: `${macAddress.toLowerCase()} ${network}`,
        config,
        holds: allocatedIPAddress !== undefined,
      }
    }),
  )
  const holdersLast = [...entries].sort((a, b) => Number(a.holds) - Number(b.holds))
  return new Map(holdersLast.map(({ key, config }) => [key, config]))
}

function networkOf(name: string, namespace: string): string {
  try {
    return formatObjectKey(parseObjectKey(name, namespace))
  } catch {
    return name
  }
}
