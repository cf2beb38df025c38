import type { KubeObject } from '../../src/api/object.ts'
import { VIRTUAL_MACHINES, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { formatObjectKey, type ObjectKey } from '../../src/api/values/object-key.ts'
import type { VmNetworkConfig } from '../../src/api/vm-network-config.ts'
import { readIfThere } from '../../src/kube/read-if-there.ts'
import type { Store } from '../../src/kube/store.ts'
import { owningVm } from './desired-config.ts'

/**
 * A watch that was interrupted shows a VM that is gone long after the watch that shows its configuration goes on. Made
 * for that VM, the object is collected at once, made again, and so on, and each gets an address and gives it back: so
 * only the API can say that the VM is there.
 * @throws VmGoneError @throws StoreError
 */
export async function createConfig(store: Store, config: VmNetworkConfig): Promise<KubeObject> {
  const owner = owningVm(config)
  if (owner !== undefined) {
    const key = { namespace: config.metadata.namespace ?? '', name: owner.name }
    const vm = await readIfThere(store, VIRTUAL_MACHINES, key)
    const isThere = vm?.metadata.uid === owner.uid && vm.metadata.deletionTimestamp === undefined
    if (!isThere) throw new VmGoneError(key)
  }
  return store.create(VM_NETWORK_CONFIGS, config)
}

export class VmGoneError extends Error {
  override readonly name = 'VmGoneError'
  constructor(readonly key: ObjectKey) {
    super(`the VirtualMachine ${formatObjectKey(key)} is gone; the watch had not shown it yet`)
  }
}
