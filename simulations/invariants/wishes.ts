import type { KubeObject } from '../../src/api/object.ts'
import { formatIPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { formatObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import { requestedNetworks, vmNetworkConfigSchema } from '../../src/api/vm-network-config.ts'
import type { CommittedChange } from '../world/api-server.ts'

/** That one object asks for an address, as the API has it. */
export interface Wish {
  readonly network: string
  readonly mac: string
  /** `default/vm-3`, and its uid. */
  readonly owner: string
  readonly uid: string
  readonly pin: string | undefined
  /** Since when without a break, in milliseconds of true time. */
  readonly since: number
}

/** Who asks for what now, by the API's own word: worked out here once more, from the objects. */
export class Wishes {
  readonly #byOwner = new Map<string, Wish[]>()
  readonly #now: () => number
  /** When a wish for a MAC on a network was last taken back. */
  readonly #ended = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  committed({ plural, previous, next }: CommittedChange): void {
    if (plural !== 'virtualmachinenetworkconfigs') return
    const uid = (next ?? previous)?.metadata.uid ?? ''
    const before = this.#byOwner.get(uid) ?? []
    const after = next === undefined ? [] : this.#read(next)
    const kept = after.map((wish) => before.find((known) => isSame(known, wish)) ?? wish)
    for (const wish of before) if (!kept.includes(wish)) this.#ended.set(keyOf(wish), this.#now())
    if (kept.length === 0) this.#byOwner.delete(uid)
    else this.#byOwner.set(uid, kept)
  }

  all(): Wish[] {
    return [...this.#byOwner.values()].flat()
  }

  /** Those who ask for the MAC on the network. */
  of(network: string, mac: string): Wish[] {
    return this.all().filter((wish) => wish.network === network && wish.mac === mac)
  }

  /** When somebody last ceased to ask for it. */
  endedAt(network: string, mac: string): number | undefined {
    return this.#ended.get(`${network} ${mac}`)
  }

  #read(object: KubeObject): Wish[] {
    const config = vmNetworkConfigSchema.safeParse(object).data
    if (config === undefined || config.spec.paused || config.metadata.deletionTimestamp !== undefined)
      return []
    const owner = formatObjectKey({ namespace: config.metadata.namespace ?? '', name: config.metadata.name })
    return requestedNetworks(config).map(({ macAddress, networkName, ipAddress }) => ({
      network: formatObjectKey(parseObjectKey(networkName, config.metadata.namespace)),
      mac: parseMacAddress(macAddress),
      owner,
      uid: config.metadata.uid ?? '',
      pin: ipAddress ? formatIPv4Address(parseIPv4Address(ipAddress)) : undefined,
      since: this.#now(),
    }))
  }
}

function keyOf({ network, mac }: Wish): string {
  return `${network} ${mac}`
}

function isSame(a: Wish, b: Wish): boolean {
  return a.network === b.network && a.mac === b.mac && a.pin === b.pin
}
