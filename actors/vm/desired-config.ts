import { mergePatchBetween } from '../../src/api/merge-patch.ts'
import type { OwnerReference } from '../../src/api/object.ts'
import { apiVersionOf, VIRTUAL_MACHINES, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatObjectKey, type ObjectKey } from '../../src/api/values/object-key.ts'
import type { VirtualMachine } from '../../src/api/virtual-machine.ts'
import { vmInterfaces } from '../../src/api/vm-interfaces.ts'
import {
  type RequestedNetwork,
  requestedNetworks,
  spellingOf,
  VM_NAME_LABEL,
  VM_NETWORK_CONFIG_FINALIZER,
  type VmNetworkConfig,
} from '../../src/api/vm-network-config.ts'
import type { Observed } from './messages.ts'
import { readNic } from './nic-key.ts'

/** What the VM asks for: its NICs on networks that have a pool, in the VM's order. */
export function desiredNetworks(observed: Observed & { vm: VirtualMachine }): RequestedNetwork[] {
  const { vm, instance, config, pools } = observed
  const namespace = vm.metadata.namespace ?? ''
  const existing = config === undefined ? [] : requestedNetworks(config)
  const { interfaces, waiting } = vmInterfaces(vm, instance)

  const known = interfaces.flatMap((nic): RequestedNetwork[] => {
    const networkName = formatObjectKey(nic.network)
    const before = existing.find((entry) => {
      const read = readNic(entry, namespace)
      return read?.mac === nic.mac && formatObjectKey(read.network) === networkName
    })
    if (!pools.has(networkName) && before === undefined) return []
    const pinned = nic.pinnedAddress === undefined ? before?.ipAddress : formatIPv4Address(nic.pinnedAddress)
    return [{ macAddress: nic.mac, networkName, ...(pinned ? { ipAddress: pinned } : {}) }]
  })
  return [...known, ...keptForUnknownMacs(waiting, known, existing, namespace)]
}

/**
 * A stopped VM whose NIC has no MAC of its own may come back with the one it had: what the object asks for on that
 * network stays until the new MAC is known.
 */
function keptForUnknownMacs(
  waiting: readonly ObjectKey[],
  known: readonly RequestedNetwork[],
  existing: readonly RequestedNetwork[],
  namespace: string,
): RequestedNetwork[] {
  const spare = existing.filter(
    (entry) => !known.some((other) => readNic(other, namespace)?.key === readNic(entry, namespace)?.key),
  )
  return waiting.flatMap((network) => {
    const index = spare.findIndex((entry) => {
      const read = readNic(entry, namespace)
      return read !== undefined && formatObjectKey(read.network) === formatObjectKey(network)
    })
    return index < 0 ? [] : spare.splice(index, 1)
  })
}

/** A new VirtualMachineNetworkConfig, in the documentation's spelling. */
export function newConfig(vm: VirtualMachine, networks: RequestedNetwork[]): VmNetworkConfig {
  return {
    apiVersion: apiVersionOf(VM_NETWORK_CONFIGS),
    kind: VM_NETWORK_CONFIGS.kind,
    metadata: {
      name: vm.metadata.name,
      namespace: vm.metadata.namespace,
      labels: { [VM_NAME_LABEL]: vm.metadata.name },
      ownerReferences: [ownerReference(vm)],
      finalizers: [VM_NETWORK_CONFIG_FINALIZER],
    },
    spec: { networkConfig: networks, vmName: vm.metadata.name },
  }
}

/**
 * The patch that makes an existing object what it should be; undefined when it is. Without a VM that is only the
 * finalizer: what a person asks for by hand is theirs.
 */
export function configPatch(
  config: VmNetworkConfig,
  vm: VirtualMachine | undefined,
  networks: RequestedNetwork[] | undefined,
): Record<string, unknown> | undefined {
  const { labels = {}, ownerReferences = [], finalizers = [], resourceVersion } = config.metadata
  const desiredFinalizers = finalizers.includes(VM_NETWORK_CONFIG_FINALIZER)
    ? finalizers
    : [...finalizers, VM_NETWORK_CONFIG_FINALIZER]
  const current = { metadata: { labels, ownerReferences, finalizers }, spec: config.spec }
  const desired =
    vm === undefined || networks === undefined
      ? { ...current, metadata: { labels, ownerReferences, finalizers: desiredFinalizers } }
      : {
          metadata: {
            labels: { ...labels, [VM_NAME_LABEL]: vm.metadata.name },
            ownerReferences: withOwner(ownerReferences, vm),
            finalizers: desiredFinalizers,
          },
          spec: { ...config.spec, [spellingOf(config)]: networks, vmName: vm.metadata.name },
        }
  const patch = mergePatchBetween(current, desired)
  if (patch === undefined) return undefined
  return mergeMetadata(patch, { resourceVersion })
}

function mergeMetadata(
  patch: Record<string, unknown>,
  metadata: Record<string, unknown>,
): Record<string, unknown> {
  const changed = patch.metadata
  return { ...patch, metadata: { ...(typeof changed === 'object' ? changed : {}), ...metadata } }
}

/** A VM made anew under the old name takes over the object, and with it the addresses. */
function withOwner(references: readonly OwnerReference[], vm: VirtualMachine): OwnerReference[] {
  const own = ownerReference(vm)
  if (references.some(({ uid }) => uid === own.uid)) return [...references]
  return [...references.filter(({ kind }) => kind !== VIRTUAL_MACHINES.kind), own]
}

function ownerReference(vm: VirtualMachine): OwnerReference {
  return {
    apiVersion: apiVersionOf(VIRTUAL_MACHINES),
    kind: VIRTUAL_MACHINES.kind,
    name: vm.metadata.name,
    uid: vm.metadata.uid ?? '',
  }
}

/** The VM that an object belongs to, by its ownerReference. */
export function owningVm(config: VmNetworkConfig): OwnerReference | undefined {
  return config.metadata.ownerReferences?.find(({ kind }) => kind === VIRTUAL_MACHINES.kind)
}
