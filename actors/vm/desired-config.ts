import { mergePatchBetween } from '../../src/api/merge-patch.ts'
import type { OwnerReference } from '../../src/api/object.ts'
import { apiVersionOf, VIRTUAL_MACHINES, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatObjectKey, type ObjectKey } from '../../src/api/values/object-key.ts'
import type { VirtualMachine } from '../../src/api/virtual-machine.ts'
import { vmInterfaces } from '../../src/api/vm-interfaces.ts'
import {
  PINNED_BY_VM_ANNOTATION,
  type RequestedNetwork,
  requestedNetworks,
  spellingOf,
  VM_NAME_LABEL,
  VM_NETWORK_CONFIG_FINALIZER,
  type VmNetworkConfig,
} from '../../src/api/vm-network-config.ts'
import type { Observed } from './messages.ts'
import { readNic } from './nic-key.ts'

/** What the object of a VM is to say. */
export interface DesiredConfig {
  networks: RequestedNetwork[]
  /** The pins in `networks` that come from the VM: they go when the VM's annotation goes; others are people's own. */
  pinnedByVm: string
  /** What of the VM could not be read, for people. */
  problems: readonly string[]
  /** Networks with a pool on which an interface has no MAC address that could be read, and never had one. */
  waiting: readonly string[]
}

/** What the VM asks for: its NICs on networks that have a pool, in the VM's order. */
export function desiredConfig(observed: Observed & { vm: VirtualMachine }): DesiredConfig {
  const { vm, instance, config, pools } = observed
  const namespace = vm.metadata.namespace ?? ''
  const existing = config === undefined ? [] : requestedNetworks(config)
  const { interfaces, waiting, problems } = vmInterfaces(vm, instance)
  const earlierPins = new Set(config?.metadata.annotations?.[PINNED_BY_VM_ANNOTATION]?.split(','))
  const pins: string[] = []

  const known = interfaces.flatMap((nic): RequestedNetwork[] => {
    const networkName = formatObjectKey(nic.network)
    const before = existing.find((entry) => {
      const read = readNic(entry, namespace)
      return read?.mac === nic.mac && formatObjectKey(read.network) === networkName
    })
    if (!pools.has(networkName) && before === undefined) return []
    const earlier = before?.ipAddress ?? ''
    const isEarlierOurs = earlierPins.has(earlier)
    // A slip of the pen in the annotation takes nothing away.
    const kept = isEarlierOurs && nic.pin === undefined ? '' : earlier
    const pinned = typeof nic.pin === 'number' ? formatIPv4Address(nic.pin) : kept
    if (pinned && (pinned !== earlier || isEarlierOurs)) pins.push(pinned)
    // An entry that means this NIC is left as it is spelled: another system may have written it, and look for it.
    const names = before ?? { macAddress: nic.mac, networkName }
    return [
      {
        macAddress: names.macAddress,
        networkName: names.networkName,
        ...(pinned ? { ipAddress: pinned } : {}),
      },
    ]
  })
  const { kept, left } = keptForUnknownMacs(waiting, known, existing, namespace)
  return {
    networks: [...known, ...kept],
    pinnedByVm: pins.join(','),
    problems,
    waiting: left.map(formatObjectKey).filter((network) => pools.has(network)),
  }
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
): { kept: RequestedNetwork[]; left: ObjectKey[] } {
  const spare = existing.filter(
    (entry) => !known.some((other) => readNic(other, namespace)?.key === readNic(entry, namespace)?.key),
  )
  const left: ObjectKey[] = []
  const kept = waiting.flatMap((network) => {
    const index = spare.findIndex((entry) => {
      const read = readNic(entry, namespace)
      return read !== undefined && formatObjectKey(read.network) === formatObjectKey(network)
    })
    if (index < 0) left.push(network)
    return index < 0 ? [] : spare.splice(index, 1)
  })
  return { kept, left }
}

/** A new VirtualMachineNetworkConfig, in the documentation's spelling. */
export function newConfig(vm: VirtualMachine, { networks, pinnedByVm }: DesiredConfig): VmNetworkConfig {
  return {
    apiVersion: apiVersionOf(VM_NETWORK_CONFIGS),
    kind: VM_NETWORK_CONFIGS.kind,
    metadata: {
      name: vm.metadata.name,
      namespace: vm.metadata.namespace,
      labels: { [VM_NAME_LABEL]: vm.metadata.name },
      ...(pinnedByVm === '' ? {} : { annotations: { [PINNED_BY_VM_ANNOTATION]: pinnedByVm } }),
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
  wish: DesiredConfig | undefined,
): Record<string, unknown> | undefined {
  const { labels = {}, annotations = {}, ownerReferences = [], finalizers = [] } = config.metadata
  const desiredFinalizers = finalizers.includes(VM_NETWORK_CONFIG_FINALIZER)
    ? finalizers
    : [...finalizers, VM_NETWORK_CONFIG_FINALIZER]
  const current = { metadata: { labels, annotations, ownerReferences, finalizers }, spec: config.spec }
  const desired =
    vm === undefined || wish === undefined
      ? { ...current, metadata: { ...current.metadata, finalizers: desiredFinalizers } }
      : {
          metadata: {
            labels: { ...labels, [VM_NAME_LABEL]: vm.metadata.name },
            annotations: { ...annotations, [PINNED_BY_VM_ANNOTATION]: wish.pinnedByVm || undefined },
            ownerReferences: withOwner(ownerReferences, vm),
            finalizers: desiredFinalizers,
          },
          spec: { ...config.spec, [spellingOf(config)]: wish.networks, vmName: vm.metadata.name },
        }
  const patch = mergePatchBetween(current, desired)
  if (patch === undefined) return undefined
  return mergeMetadata(patch, { resourceVersion: config.metadata.resourceVersion })
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
