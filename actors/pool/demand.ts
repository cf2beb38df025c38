import type { KubeObject } from '../../src/api/object.ts'
import { VIRTUAL_MACHINE_INSTANCES, VIRTUAL_MACHINES, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../src/api/values/mac-address.ts'
import {
  formatObjectKey,
  type ObjectKey,
  parseObjectKey,
  sameObjectKey,
} from '../../src/api/values/object-key.ts'
import {
  networkStatuses,
  requestedNetworks,
  type VmNetworkConfig,
  vmNetworkConfigSchema,
} from '../../src/api/vm-network-config.ts'
import { KindNotServedError } from '../../src/kube/errors.ts'
import type { Informer } from '../../src/kube/informer.ts'
import { readIfThere } from '../../src/kube/read-if-there.ts'
import type { Store } from '../../src/kube/store.ts'
import type { Owner } from './contracts.ts'
import type { Claim, Demand, Orphan } from './messages.ts'

/** Who asks for what, read from the API at the moment of asking: what a pool checks before it takes anything away. */
export interface DemandReader {
  /** The first candidate is who asks. @throws StoreError */
  read(network: ObjectKey, mac: MacAddress, candidates: readonly Owner[]): Promise<Demand>
  /**
   * The owner asks for the MAC on the network, on any when that is not known yet, as far as the watch knows. One lookup:
   * every request of every VM asks this.
   */
  isAsked(network: ObjectKey | undefined, mac: MacAddress, owner: Owner): boolean
  /** Several objects ask for the MAC, on whichever network, as far as the watch knows. */
  isContested(mac: MacAddress): boolean
  /** Those who ask for one of these MACs on the network that others ask for too, as far as the watch knows. */
  rivals(network: ObjectKey, macs: readonly MacAddress[]): Owner[]
  /** Of the held MACs, those that nobody asks for. @throws StoreError */
  findOrphans(network: ObjectKey, held: ReadonlyMap<MacAddress, Claim>): Promise<Orphan[]>
}

const CONFIGS_BY_NETWORK = 'network'
const CONFIGS_BY_MAC = 'mac'
const CONFIGS_BY_MAC_ON_NETWORK = 'mac on network'

/** Before the informer of VirtualMachineNetworkConfigs starts: what `createDemandReader` looks up. */
export function addDemandIndexes(configs: Informer): void {
  const wishesOf = (object: KubeObject) => wishes(vmNetworkConfigSchema.parse(object))
  configs.addIndex(CONFIGS_BY_NETWORK, (object) => {
    const config = vmNetworkConfigSchema.parse(object)
    const held = networkStatuses(config).map(({ networkName }) => networkName)
    return [...new Set([...wishesOf(object).map(({ network }) => formatObjectKey(network)), ...held])]
  })
  configs.addIndex(CONFIGS_BY_MAC, (object) => wishesOf(object).map(({ mac }) => mac))
  configs.addIndex(CONFIGS_BY_MAC_ON_NETWORK, (object) =>
    wishesOf(object).map(({ mac, network }) => macKey(network, mac)),
  )
}

/** VirtualMachineNetworkConfigs that ask, or asked, for an address on `network`. */
export function configsOnNetwork(configs: Informer, network: ObjectKey): KubeObject[] {
  return configs.byIndex(CONFIGS_BY_NETWORK, formatObjectKey(network))
}

export function createDemandReader(options: { store: Store; configs: Informer }): DemandReader {
  const { store, configs } = options

  async function readConfig(key: ObjectKey): Promise<VmNetworkConfig | undefined> {
    const object = await readIfThere(store, VM_NETWORK_CONFIGS, key)
    return object === undefined ? undefined : vmNetworkConfigSchema.parse(object)
  }

  return {
    async read(network, mac, candidates) {
      const cached = configs.byIndex(CONFIGS_BY_MAC_ON_NETWORK, macKey(network, mac)).map(keyOfObject)
      const keys = [...candidates, ...cached].filter(
        (key, index, all) => all.findIndex((other) => sameObjectKey(key, other)) === index,
      )
      const current = (await Promise.all(keys.map(readConfig))).filter((config) => config !== undefined)
      const [asker] = candidates
      const ownerExists = current.some(({ metadata }) => metadata.uid === asker?.uid)
      const asking = current
        .filter(isAlive)
        .sort(byAge)
        .flatMap((config) =>
          wishes(config)
            .filter((wish) => wish.mac === mac && sameObjectKey(wish.network, network))
            .map((wish) => ({ config, wish })),
        )
      const [first] = asking
      if (first !== undefined) {
        return {
          ownerExists,
          wanted: true,
          owner: ownerOf(first.config),
          pinnedAddress: first.wish.pinnedAddress,
          clientMayRun: true,
        }
      }
      const running = await Promise.all(current.map((config) => clientMayRun(store, config)))
      return {
        ownerExists,
        wanted: false,
        owner: undefined,
        pinnedAddress: undefined,
        clientMayRun: running.length === 0 || running.includes(true),
      }
    },

    isAsked(network, mac, { namespace, name, uid }) {
      const asking =
        network === undefined
          ? configs.byIndex(CONFIGS_BY_MAC, mac)
          : configs.byIndex(CONFIGS_BY_MAC_ON_NETWORK, macKey(network, mac))
      return asking.some(
        (config) =>
          config.metadata.uid === uid &&
          config.metadata.name === name &&
          config.metadata.namespace === namespace &&
          isAlive(config),
      )
    },

    isContested(mac) {
      const asking = configs.byIndex(CONFIGS_BY_MAC, mac)
      return asking.length > 1 && asking.filter(isAlive).length > 1
    },

    rivals(network, macs) {
      return macs.flatMap((mac) => {
        const asking = configs.byIndex(CONFIGS_BY_MAC_ON_NETWORK, macKey(network, mac)).filter(isAlive)
        return asking.length > 1 ? asking.map((config) => ownerOf(vmNetworkConfigSchema.parse(config))) : []
      })
    },

    async findOrphans(network, held) {
      const isCached = (mac: MacAddress) =>
        configs.byIndex(CONFIGS_BY_MAC_ON_NETWORK, macKey(network, mac)).length > 0
      if (!configs.synced() || [...held.keys()].every(isCached)) return []
      // The cache may lag behind; only the API can say that nobody asks.
      const { items } = await store.list(VM_NETWORK_CONFIGS)
      const wanted = new Set(
        items
          .map((item) => vmNetworkConfigSchema.safeParse(item))
          .flatMap((config) => (config.success ? wishes(config.data) : []))
          .filter((wish) => sameObjectKey(wish.network, network))
          .map((wish) => wish.mac),
      )
      // A list may be older than what the watch has told since, and both older than what the owner asked for itself.
      const unwanted = [...held].filter(([mac]) => !wanted.has(mac) && !isCached(mac))
      const orphans: Orphan[] = []
      for (const [mac, { serial, owner }] of unwanted) {
        const config = owner === undefined ? undefined : await readConfig(owner)
        const asks = (wish: Wish) => wish.mac === mac && sameObjectKey(wish.network, network)
        if (config === undefined || !isAlive(config) || !wishes(config).some(asks)) {
          orphans.push({ mac, claim: serial })
        }
      }
      return orphans
    },
  }
}

interface Wish {
  mac: MacAddress
  network: ObjectKey
  pinnedAddress: Demand['pinnedAddress']
}

/** What an object asks for; a paused one asks for nothing, and what cannot be read asks for nothing either. */
function wishes(config: VmNetworkConfig): Wish[] {
  if (config.spec.paused) return []
  return requestedNetworks(config).flatMap(({ macAddress, networkName, ipAddress }): Wish[] => {
    try {
      return [
        {
          mac: parseMacAddress(macAddress),
          network: parseObjectKey(networkName, config.metadata.namespace),
          pinnedAddress: ipAddress ? parseIPv4Address(ipAddress) : undefined,
        },
      ]
    } catch {
      return []
    }
  })
}

/**
 * False only when the object goes with a VM that is gone, instance and all: while an instance runs, so may its DHCP
 * client, and nobody knows what runs behind an object that was made by hand.
 */
async function clientMayRun(store: Store, config: VmNetworkConfig): Promise<boolean> {
  const vm = config.metadata.ownerReferences?.find(({ kind }) => kind === VIRTUAL_MACHINES.kind)
  if (vm === undefined || config.metadata.deletionTimestamp === undefined) return true
  const key = { namespace: config.metadata.namespace ?? '', name: vm.name }
  try {
    const [machine, instance] = await Promise.all([
      readIfThere(store, VIRTUAL_MACHINES, key),
      readIfThere(store, VIRTUAL_MACHINE_INSTANCES, key),
    ])
    return instance !== undefined || machine?.metadata.uid === vm.uid
  } catch (error) {
    // KubeVirt is gone, or the API server starts: nobody can say.
    if (error instanceof KindNotServedError) return true
    throw error
  }
}

/** The older object wins; of two of one age, the one whose uid sorts first. */
function byAge(a: VmNetworkConfig, b: VmNetworkConfig): number {
  const age = ({ metadata }: VmNetworkConfig) => `${metadata.creationTimestamp} ${metadata.uid}`
  return age(a) < age(b) ? -1 : 1
}

function isAlive({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp === undefined
}

function ownerOf({ metadata }: VmNetworkConfig): Owner {
  const { namespace = '', name, uid = '', generation = 0 } = metadata
  return { namespace, name, uid, generation }
}

function keyOfObject({ metadata }: KubeObject): ObjectKey {
  return { namespace: metadata.namespace ?? '', name: metadata.name }
}

function macKey(network: ObjectKey, mac: MacAddress): string {
  return `${formatObjectKey(network)} ${mac}`
}
