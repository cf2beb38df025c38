import type { KubeObject } from '../../src/api/object.ts'
import type { ObjectKey } from '../../src/api/values/object-key.ts'
import { MAC_ADDRESS_ANNOTATION, STATIC_ADDRESS_ANNOTATION_PREFIX } from '../../src/api/virtual-machine.ts'
import type { NicPlan } from '../plan/operations.ts'
import { type NetworkPlan, poolOf } from '../plan/plan.ts'

export const NAMESPACE = 'default'
/** KubeVirt keeps a VirtualMachine until its instance is gone. */
export const VM_FINALIZER = 'kubevirt.io/virtualMachineControllerFinalize'
/** KubeVirt keeps a VirtualMachineInstance until its pod is gone. */
export const INSTANCE_FINALIZER = 'foregroundDeleteVirtualMachine'

export function networkObject({ name }: NetworkPlan): KubeObject {
  return { metadata: { name, namespace: NAMESPACE }, spec: { config: `{"name":"${name}"}` } }
}

export function poolObject(network: NetworkPlan, key: ObjectKey = poolOf(network)): KubeObject {
  const { cidr, start, end, server, leaseSeconds } = network
  return {
    metadata: { ...key },
    spec: {
      networkName: `${NAMESPACE}/${network.name}`,
      ipv4Config: { cidr, serverIP: server, pool: { start, end }, leaseTime: leaseSeconds },
    },
  }
}

export function machineObject(name: string, nics: readonly NicPlan[], running: boolean): KubeObject {
  return {
    metadata: {
      name,
      namespace: NAMESPACE,
      finalizers: [VM_FINALIZER],
      annotations: annotationsOf(nics),
    },
    spec: machineSpec(nics, running),
  }
}

function annotationsOf(nics: readonly NicPlan[]): Record<string, string> {
  const pins = nics.flatMap(({ name, pin }) => (pin === undefined ? [] : [[pinAnnotation(name), pin]]))
  const macs = nics.flatMap(({ name, mac, macIn }) => (macIn === 'annotation' ? [[name, mac]] : []))
  return {
    ...Object.fromEntries(pins),
    ...(macs.length > 0 && { [MAC_ADDRESS_ANNOTATION]: JSON.stringify(Object.fromEntries(macs)) }),
  }
}

/** A merge patch: what the NICs do not need any more goes. */
export function annotationChanges(nics: readonly NicPlan[]): Record<string, string | null> {
  const all = [MAC_ADDRESS_ANNOTATION, ...nics.map(({ name }) => pinAnnotation(name))]
  return { ...Object.fromEntries(all.map((name) => [name, null])), ...annotationsOf(nics) }
}

function pinAnnotation(nic: string): string {
  return `${STATIC_ADDRESS_ANNOTATION_PREFIX}${nic}`
}

/** @param absent the NIC that is being unplugged */
export function machineSpec(
  nics: readonly NicPlan[],
  running: boolean,
  absent?: string,
): Record<string, unknown> {
  return {
    runStrategy: running ? 'Always' : 'Halted',
    template: {
      spec: {
        domain: {
          devices: {
            interfaces: nics.map(({ name, mac, macIn }) => ({
              name,
              bridge: {},
              ...(macIn === undefined ? { macAddress: mac } : {}),
              ...(name === absent ? { state: 'absent' } : {}),
            })),
          },
        },
        networks: nics.map(({ name, network, bareName }) => ({
          name,
          multus: { networkName: bareName ? network : `${NAMESPACE}/${network}` },
        })),
      },
    },
  }
}

export function instanceObject(machine: KubeObject, nics: readonly NicPlan[]): KubeObject {
  const { name, uid } = machine.metadata
  return {
    metadata: {
      name,
      namespace: NAMESPACE,
      ownerReferences: [
        { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name, uid: uid ?? '', controller: true },
      ],
    },
    spec: {},
    status: instanceStatus(nics),
  }
}

export function instanceStatus(nics: readonly NicPlan[]): Record<string, unknown> {
  return { interfaces: nics.map(({ name, mac }) => ({ name, mac })) }
}
