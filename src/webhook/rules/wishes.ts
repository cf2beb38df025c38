import { type IPv4Address, parseIPv4Address } from '../../api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../api/values/mac-address.ts'
import { type ObjectKey, parseObjectKey } from '../../api/values/object-key.ts'
import { requestedNetworks, spellingOf, type VmNetworkConfig } from '../../api/vm-network-config.ts'

/** One entry of a VirtualMachineNetworkConfig; what cannot be read of it is undefined. */
export interface Wish {
  /** "spec.networkConfig[0]" */
  readonly path: string
  readonly mac: MacAddress | undefined
  readonly network: ObjectKey | undefined
  readonly pin: IPv4Address | undefined
  readonly written: { macAddress: string; networkName: string; ipAddress?: string | undefined }
}

export function wishesOf(config: VmNetworkConfig): readonly Wish[] {
  const spelling = spellingOf(config)
  return requestedNetworks(config).map((written, index) => ({
    path: `spec.${spelling}[${index}]`,
    mac: readable(() => parseMacAddress(written.macAddress)),
    network: readable(() => parseObjectKey(written.networkName, config.metadata.namespace)),
    pin: readable(() => (written.ipAddress ? parseIPv4Address(written.ipAddress) : undefined)),
    written,
  }))
}

/** A paused object asks for nothing, and one that is being deleted soon neither. */
export function isAsking(config: VmNetworkConfig): boolean {
  return !config.spec.paused && config.metadata.deletionTimestamp === undefined
}

/** The VM behind the object, or the object itself: "VM default/test-vm". */
export function describeOwner(config: VmNetworkConfig): string {
  const { namespace = '', name } = config.metadata
  const vmName = config.spec.vmName
  return vmName ? `VM ${namespace}/${vmName}` : `VirtualMachineNetworkConfig ${namespace}/${name}`
}

export function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
