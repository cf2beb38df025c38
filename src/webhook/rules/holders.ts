import type { IPPool } from '../../api/ippool.ts'
import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../../api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../api/values/mac-address.ts'
import { type ObjectKey, parseObjectKey, sameObjectKey } from '../../api/values/object-key.ts'
import type { VmNetworkConfig } from '../../api/vm-network-config.ts'
import { describeOwner, readable, wishesOf } from './wishes.ts'

/** An address and who has it. */
export interface Holding {
  readonly address: IPv4Address
  readonly mac: MacAddress
  /** Given back, but its client may use it until then. */
  readonly restsUntil?: string
}

/** A refusal names so many holders; the others are counted. */
const NAMED = 5

/** What MAC addresses hold in the pool; marks such as EXCLUDED are no holders. */
export function holdingsOf(pool: IPPool): readonly Holding[] {
  return Object.entries(pool.status?.ipv4?.allocated ?? {}).flatMap(([address, mac]) => holding(address, mac))
}

export function restingOf(pool: IPPool): readonly Holding[] {
  return Object.entries(pool.status?.ipv4?.resting ?? {}).flatMap(([address, { macAddress, until }]) =>
    holding(address, macAddress).map((held) => ({ ...held, restsUntil: until })),
  )
}

/** The network that the pool serves; undefined when its name cannot be read. */
export function networkOf(pool: IPPool): ObjectKey | undefined {
  return readable(() => parseObjectKey(pool.spec.networkName, pool.metadata.namespace))
}

export function poolsOn(network: ObjectKey, pools: readonly IPPool[]): readonly IPPool[] {
  return pools.filter((pool) => {
    const served = networkOf(pool)
    return served !== undefined && sameObjectKey(served, network)
  })
}

/** The objects that ask for a MAC on a network, or on any. */
export type Owners = (mac: MacAddress, network: ObjectKey | undefined) => readonly VmNetworkConfig[]

/** Reads each object once, so that ten thousand holders can be looked up among ten thousand objects. */
export function ownersIn(configs: readonly VmNetworkConfig[]): Owners {
  const askers = new Map<MacAddress, { network: ObjectKey; config: VmNetworkConfig }[]>()
  for (const config of configs) {
    for (const { mac, network } of wishesOf(config)) {
      if (mac === undefined || network === undefined) continue
      const known = askers.get(mac)
      if (known === undefined) askers.set(mac, [{ network, config }])
      else known.push({ network, config })
    }
  }
  return (mac, network) => {
    const found = (askers.get(mac) ?? []).filter(
      (asker) => network === undefined || sameObjectKey(asker.network, network),
    )
    return [...new Set(found.map(({ config }) => config))]
  }
}

/** "192.168.48.84 (ca:70:82:e6:84:6e, VM default/test-vm)", several with commas. */
export function nameHoldings(
  holdings: readonly Holding[],
  network: ObjectKey | undefined,
  configs: readonly VmNetworkConfig[],
): string {
  if (holdings.length === 0) return ''
  const owners = ownersIn(configs)
  const named = holdings.slice(0, NAMED).map(({ address, mac }) => {
    const names = owners(mac, network).map(describeOwner)
    return `${formatIPv4Address(address)} (${[mac, ...names].join(', ')})`
  })
  return andMore(named, holdings.length)
}

export function andMore(named: readonly string[], total: number): string {
  const shown = named.slice(0, NAMED)
  return total > shown.length ? `${shown.join(', ')} and ${total - shown.length} more` : shown.join(', ')
}

function holding(addressText: string, macText: string): Holding[] {
  const address = readable(() => parseIPv4Address(addressText))
  const mac = readable(() => parseMacAddress(macText))
  return address === undefined || mac === undefined ? [] : [{ address, mac }]
}
