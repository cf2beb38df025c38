import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import * as z from 'zod'
import { packageFile } from '../../../src/runtime/package-root.ts'
import type { Manifest } from './kubectl.ts'

/** A VM Network as the user interface writes it. */
export function network(name: string): Manifest {
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'default' },
    spec: {
      config: JSON.stringify({ cniVersion: '0.3.1', name, type: 'bridge', bridge: 'mgmt-br', ipam: {} }),
    },
  }
}

/** A VirtualMachineNetworkConfig made by hand. */
export function networkConfig(name: string, macAddress: string, networkName: string): Manifest {
  return {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'VirtualMachineNetworkConfig',
    metadata: { name, namespace: 'default' },
    spec: { vmName: name, networkConfig: [{ macAddress, networkName }] },
  }
}

export interface Nic {
  name: string
  macAddress: string
  networkName: string
  state?: 'absent'
}

/** The part of a VM's spec that `kubectl patch` replaces as a whole. */
export function nicSpec(nics: readonly Nic[]): Manifest {
  return {
    template: {
      spec: {
        domain: {
          devices: {
            interfaces: nics.map(({ name, macAddress, state }) => ({
              name,
              macAddress,
              bridge: {},
              ...(state === undefined ? {} : { state }),
            })),
          },
          resources: { requests: { memory: '256Mi' } },
        },
        networks: nics.map(({ name, networkName }) => ({ name, multus: { networkName } })),
      },
    },
  }
}

export function virtualMachine(name: string, nics: readonly Nic[]): Manifest {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name, namespace: 'default' },
    spec: { runStrategy: 'Always', ...nicSpec(nics) },
  }
}

/** One of deploy/examples, for those who have no kubectl at hand. */
export function exampleManifest(file: string): Manifest {
  const text = readFileSync(packageFile('deploy', 'examples', file), 'utf8')
  return z.record(z.string(), z.unknown()).parse(load(text))
}
