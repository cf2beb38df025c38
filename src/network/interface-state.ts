import { networkInterfaces } from 'node:os'
import { formatIPv4Address, type IPv4Address } from '../api/values/ipv4-address.ts'
import { listInterfaces } from './interfaces.ts'

/** What can be seen of an interface without any right and without any program. */
export interface InterfaceState {
  exists: boolean
  /**
   * The IPv4 addresses, as far as they are of use: the system shows none of an interface that is down, or that has
   * nothing at its other end.
   */
  addresses: readonly string[]
}

export function readInterfaceState(interfaceName: string): InterfaceState {
  const addresses = networkInterfaces()[interfaceName] ?? []
  return {
    exists: addresses.length > 0 || listInterfaces().includes(interfaceName),
    addresses: addresses.flatMap(({ family, address }) => (family === 'IPv4' ? [address] : [])),
  }
}

/** What keeps an interface from being served on as it should be. */
export interface InterfaceProblem {
  reason: 'InterfaceUnknown' | 'InterfaceMissing' | 'InterfaceDown' | 'AddressMissing' | 'AddressOutdated'
  message: string
  /** Clients are served all the same, but for those that renew by unicast. */
  serves: boolean
}

export interface WantedAddress {
  address: IPv4Address
  /**
   * The server address that was there before an edit, if any. While it still is, broadcasts are answered as they should
   * be, and whoever may set addresses brings the new one.
   */
  earlier: IPv4Address | undefined
  /** Why it could not be put there; undefined when it was found there. */
  failure: string | undefined
}

export function interfaceProblem(
  interfaceName: string,
  { exists, addresses }: InterfaceState,
  { address, earlier, failure }: WantedAddress,
): InterfaceProblem | undefined {
  const text = formatIPv4Address(address)
  if (!exists) {
    const message = `there is no network interface ${interfaceName} any more`
    return { reason: 'InterfaceMissing', message, serves: false }
  }
  if (addresses.includes(text)) return undefined
  if (earlier !== undefined && addresses.includes(formatIPv4Address(earlier))) {
    const message =
      `${interfaceName} has ${formatIPv4Address(earlier)}, not ${text}: who asks by broadcast is served, ` +
      'and who renews is served when an agent with the new address has taken over'
    return { reason: 'AddressOutdated', message, serves: true }
  }
  if (failure !== undefined) return { reason: 'AddressMissing', message: failure, serves: false }
  const message = `${interfaceName} is down, or nothing is plugged in at its other end`
  return { reason: 'InterfaceDown', message, serves: false }
}
