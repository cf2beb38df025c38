import { type MacAddress, parseMacAddress } from '../../src/api/values/mac-address.ts'
import { formatObjectKey, type ObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import type { NicKey } from './messages.ts'

export interface Nic {
  key: NicKey
  mac: MacAddress
  network: ObjectKey
}

/** An entry of a VirtualMachineNetworkConfig. @throws InvalidMacAddressError, InvalidObjectKeyError */
export function parseNic(entry: { macAddress: string; networkName: string }, namespace: string): Nic {
  const mac = parseMacAddress(entry.macAddress)
  const network = parseObjectKey(entry.networkName, namespace)
  return { key: `${mac} ${formatObjectKey(network)}`, mac, network }
}

/** The same; undefined when its MAC or its network cannot be read. */
export function readNic(
  entry: { macAddress: string; networkName: string },
  namespace: string,
): Nic | undefined {
  try {
    return parseNic(entry, namespace)
  } catch {
    return undefined
  }
}
