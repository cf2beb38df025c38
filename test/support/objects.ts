import type { Condition } from '../../src/api/condition.ts'
import { type IPPool, type IPPoolStatus, ipPoolSchema } from '../../src/api/ippool.ts'
import type { VirtualMachine, VirtualMachineInstance } from '../../src/api/virtual-machine.ts'
import type { NetworkStatus, RequestedNetwork, VmNetworkConfig } from '../../src/api/vm-network-config.ts'

export const TEST_MAC = 'ca:70:82:e6:84:6e'
export const NET_48 = 'default/net-48'

type Ipv4Config = IPPool['spec']['ipv4Config']

/** The documentation's IPPool net-48 as the API has it, but for what a test says. */
export function poolObject(
  changes: {
    metadata?: Partial<IPPool['metadata']>
    ipv4Config?: Partial<Ipv4Config>
    spec?: Partial<Omit<IPPool['spec'], 'ipv4Config'>>
    status?: IPPoolStatus
  } = {},
): IPPool {
  return ipPoolSchema.parse({
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    metadata: {
      name: 'net-48',
      namespace: 'default',
      uid: 'pool-uid',
      resourceVersion: '1',
      generation: 1,
      finalizers: ['wrangler.cattle.io/vm-dhcp-ippool-controller'],
      ...changes.metadata,
    },
    spec: {
      networkName: NET_48,
      ...changes.spec,
      ipv4Config: {
        serverIP: '192.168.48.77',
        cidr: '192.168.48.0/24',
        pool: { start: '192.168.48.81', end: '192.168.48.90', exclude: ['192.168.48.81', '192.168.48.90'] },
        router: '192.168.48.1',
        dns: ['1.1.1.1'],
        leaseTime: 300,
        ...changes.ipv4Config,
      },
    },
    ...(changes.status === undefined ? {} : { status: changes.status }),
  })
}

export function condition(type: string, status: 'True' | 'False', reason?: string): Condition {
  return { type, status, lastUpdateTime: '2026-01-01T00:00:00Z', ...(reason === undefined ? {} : { reason }) }
}

/** A VirtualMachine with NICs by name; a NIC without a MAC waits for one. */
export function vmObject(
  nics: Record<string, { mac?: string; network?: string; state?: string }> = { 'nic-1': { mac: TEST_MAC } },
  metadata: Partial<VirtualMachine['metadata']> = {},
): VirtualMachine {
  const interfaces = Object.entries(nics).map(([name, { mac, state }]) => ({
    name,
    ...(mac === undefined ? {} : { macAddress: mac }),
    ...(state === undefined ? {} : { state }),
  }))
  const networks = Object.entries(nics).map(([name, { network = NET_48 }]) => ({
    name,
    multus: { networkName: network },
  }))
  return {
    metadata: { name: 'test-vm', namespace: 'default', uid: 'vm-uid', resourceVersion: '1', ...metadata },
    spec: { template: { spec: { domain: { devices: { interfaces } }, networks } } },
  }
}

export function instanceObject(macs: Record<string, string>): VirtualMachineInstance {
  const interfaces = Object.entries(macs).map(([name, mac]) => ({ name, mac }))
  return { metadata: { name: 'test-vm', namespace: 'default' }, status: { interfaces } }
}

/** A VirtualMachineNetworkConfig as this project writes it for `vmObject`, but for what a test says. */
export function configObject(
  changes: {
    metadata?: Partial<VmNetworkConfig['metadata']>
    networks?: RequestedNetwork[]
    spec?: Partial<VmNetworkConfig['spec']>
    statuses?: NetworkStatus[]
  } = {},
): VmNetworkConfig {
  const { networks = [{ macAddress: TEST_MAC, networkName: NET_48 }], statuses } = changes
  return {
    metadata: {
      name: 'test-vm',
      namespace: 'default',
      uid: 'config-uid',
      resourceVersion: '1',
      generation: 1,
      labels: { 'harvesterhci.io/vmName': 'test-vm' },
      finalizers: ['wrangler.cattle.io/vm-dhcp-vmnetcfg-controller'],
      ownerReferences: [
        { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name: 'test-vm', uid: 'vm-uid' },
      ],
      ...changes.metadata,
    },
    spec: { networkConfig: networks, vmName: 'test-vm', ...changes.spec },
    ...(statuses === undefined ? {} : { status: { networkConfig: statuses } }),
  }
}
