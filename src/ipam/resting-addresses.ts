import type { IPv4Address } from '../api/values/ipv4-address.ts'
import type { MacAddress } from '../api/values/mac-address.ts'

/** Addresses that were given back and are kept for the MAC that had them. A MAC may have several. */
export class RestingAddresses {
  readonly #byAddress = new Map<IPv4Address, MacAddress>()
  readonly #byMac = new Map<MacAddress, Set<IPv4Address>>()

  add(address: IPv4Address, mac: MacAddress): void {
    this.#byAddress.set(address, mac)
    const addresses = this.#byMac.get(mac)
    if (addresses === undefined) this.#byMac.set(mac, new Set([address]))
    else addresses.add(address)
  }

  /** @returns whether it rested */
  remove(address: IPv4Address): boolean {
    const mac = this.#byAddress.get(address)
    if (mac === undefined) return false
    this.#byAddress.delete(address)
    const addresses = this.#byMac.get(mac)
    addresses?.delete(address)
    if (addresses?.size === 0) this.#byMac.delete(mac)
    return true
  }

  ownerOf(address: IPv4Address): MacAddress | undefined {
    return this.#byAddress.get(address)
  }

  /** In the order in which they were given back. */
  addressesOf(mac: MacAddress): Iterable<IPv4Address> {
    return this.#byMac.get(mac) ?? []
  }

  entries(): Iterable<[IPv4Address, MacAddress]> {
    return this.#byAddress
  }
}
