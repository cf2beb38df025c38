import { expect, test } from 'vitest'
import { createConfig, VmGoneError } from '../../../actors/vm/create-config.ts'
import type { KubeObject } from '../../../src/api/object.ts'
import { VIRTUAL_MACHINES } from '../../../src/api/resource.ts'
import type { VmNetworkConfig } from '../../../src/api/vm-network-config.ts'
import { NotFoundError, UnavailableError } from '../../../src/kube/errors.ts'
import { ScriptedStore } from '../../support/scripted-store.ts'

const CONFIG: VmNetworkConfig = {
  apiVersion: 'network.harvesterhci.io/v1alpha1',
  kind: 'VirtualMachineNetworkConfig',
  metadata: {
    name: 'vm-1',
    namespace: 'default',
    ownerReferences: [
      {
        apiVersion: 'kubevirt.io/v1',
        kind: VIRTUAL_MACHINES.kind,
        name: 'vm-1',
        uid: 'then',
        controller: true,
      },
    ],
  },
  spec: { vmName: 'vm-1', networkConfig: [] },
}

test('a VM that is there gets its network configuration', async () => {
  const { store, created } = storeWith(async () => vm({ uid: 'then' }))
  await createConfig(store, CONFIG)
  expect(created).toEqual([CONFIG])
})

test.each([
  ['that was deleted', async () => Promise.reject(new NotFoundError('VirtualMachine default/vm-1'))],
  ['that is being deleted', async () => vm({ uid: 'then', deletionTimestamp: '2026-01-01T00:00:00Z' })],
  ['that was made again under its name', async () => vm({ uid: 'now' })],
])(
  'a VM %s while the watch was away gets none, and no address is taken and given back for it',
  async (_, get) => {
    const { store, created } = storeWith(get)
    await expect(createConfig(store, CONFIG)).rejects.toBeInstanceOf(VmGoneError)
    expect(created).toEqual([])
  },
)

test('while the API does not answer nothing is decided', async () => {
  const { store, created } = storeWith(async () => Promise.reject(new UnavailableError(0, 'down')))
  await expect(createConfig(store, CONFIG)).rejects.toBeInstanceOf(UnavailableError)
  expect(created).toEqual([])
})

function vm(metadata: { uid: string; deletionTimestamp?: string }): KubeObject {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: VIRTUAL_MACHINES.kind,
    metadata: { name: 'vm-1', namespace: 'default', ...metadata },
  }
}

function storeWith(get: () => Promise<KubeObject>): { store: ScriptedStore; created: KubeObject[] } {
  const created: KubeObject[] = []
  const store = new ScriptedStore()
  store.get = get
  store.create = async (_, object) => {
    created.push(object)
    return object
  }
  return { store, created }
}
