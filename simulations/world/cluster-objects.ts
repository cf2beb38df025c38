import type { KubeObject } from '../../src/api/object.ts'
import { STATIC_ADDRESS_ANNOTATION_PREFIX } from '../../src/api/virtual-machine.ts'
import type { NicPlan } from '../plan/operations.ts'
import type { NetworkPlan } from '../plan/plan.ts'

export const NAMESPACE = 'default'
/** KubeVirt keeps a VirtualMachine until its instance is gone. */
export const VM_FINALIZER = 'kubevirt.io/virtualMachineControllerFinalize'

export function networkObject({ name }: NetworkPlan): KubeObject {
  return { metadata: { name, namespace: NAMESPACE }, spec: { config: `{"name":"${name}"}` } }
}

export function poolObject(network: NetworkPlan): KubeObject {
  const { name, cidr, start, end, server, leaseSeconds } = network
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      networkName: `${NAMESPACE}/${name}`,
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
      annotations: pinAnnotations(nics),
    },
    spec: machineSpec(nics, running),
  }
}

export function pinAnnotations(nics: readonly NicPlan[]): Record<string, string> {
  return Object.fromEntries(
    nics.flatMap(({ name, pin }) =>
      pin === undefined ? [] : [[`${STATIC_ADDRESS_ANNOTATION_PREFIX}${name}`, pin]],
    ),
  )
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
            interfaces: nics.map(({ name, mac }) => ({
              name,
              bridge: {},
              macAddress: mac,
              ...(name === absent ? { state: 'absent' } : {}),
            })),
          },
        },
        networks: nics.map(({ name, network }) => ({
          name,
          multus: { networkName: `${NAMESPACE}/${network}` },
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
    status: { interfaces: nics.map(({ name: nic, mac }) => ({ name: nic, mac })) },
  }
}
