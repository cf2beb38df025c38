import type { KubeObject } from '../../src/api/object.ts'

export const BENCH_NETWORK = 'default/bench'

export const benchNetwork: KubeObject = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name: 'bench', namespace: 'default' },
  spec: { config: '{"cniVersion":"0.3.1","name":"bench","type":"bridge","ipam":{}}' },
}

/** Room for 61,440 leases. */
export const benchPool: KubeObject = {
  apiVersion: 'network.harvesterhci.io/v1alpha1',
  kind: 'IPPool',
  metadata: { name: 'bench', namespace: 'default' },
  spec: {
    networkName: BENCH_NETWORK,
    ipv4Config: {
      serverIP: '10.77.0.1',
      cidr: '10.77.0.0/16',
      pool: { start: '10.77.1.0', end: '10.77.240.255' },
      router: '10.77.0.254',
      dns: ['1.1.1.1'],
      leaseTime: 3600,
    },
  },
}

/** The MAC addresses that perfdhcp uses: they count up from 00:0c:01:02:03:04. */
export function perfdhcpMac(index: number): string {
  const low = 0x01020304 + index
  const bytes = [0x00, 0x0c, low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255]
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

export function benchVm(index: number): KubeObject {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: `vm-${index}`, namespace: 'default' },
    spec: {
      runStrategy: 'Always',
      template: {
        spec: {
          domain: { devices: { interfaces: [{ name: 'nic', bridge: {}, macAddress: perfdhcpMac(index) }] } },
          networks: [{ name: 'nic', multus: { networkName: BENCH_NETWORK } }],
        },
      },
    },
  }
}

/** One object that asks for many addresses: a quick way to a full lease table. */
export function benchConfig(index: number, macs: readonly string[]): KubeObject {
  return {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'VirtualMachineNetworkConfig',
    metadata: { name: `many-${index}`, namespace: 'default' },
    spec: {
      vmName: `many-${index}`,
      networkConfig: macs.map((macAddress) => ({ macAddress, networkName: BENCH_NETWORK })),
    },
  }
}
