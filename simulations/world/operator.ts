import { IP_POOLS, NETWORK_ATTACHMENT_DEFINITIONS, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import type { ObjectKey } from '../../src/api/values/object-key.ts'
import { AlreadyExistsError, InvalidObjectError, NotFoundError } from '../../src/kube/errors.ts'
import type { Operation } from '../plan/operations.ts'
import { type NetworkPlan, poolOf } from '../plan/plan.ts'
import type { ApiServer } from './api-server.ts'
import { NAMESPACE, networkObject, poolObject } from './cluster-objects.ts'
import type { KubeVirt } from './kubevirt.ts'
import type { NicEdits } from './nic-edits.ts'
import type { Scheduler } from './scheduler.ts'

export interface OperatorParts {
  api: ApiServer
  scheduler: Scheduler
  kubeVirt: KubeVirt
  nicEdits: NicEdits
  networks: readonly NetworkPlan[]
  isApiDown: () => boolean
}

const RETRY = 1_000

/** What people do with `kubectl`: while the API is away they try again. */
export class Operator {
  readonly #parts: OperatorParts

  constructor(parts: OperatorParts) {
    this.#parts = parts
  }

  /** Networks and pools, before anything else is there. */
  async prepare(): Promise<void> {
    const { api, networks } = this.#parts
    await api.as('operator', async () => {
      for (const network of networks) {
        await api.store.create(NETWORK_ATTACHMENT_DEFINITIONS, networkObject(network))
        await api.store.create(IP_POOLS, poolObject(network))
      }
    })
  }

  carryOut(operation: Operation): void {
    const { kubeVirt, nicEdits, networks } = this.#parts
    const { store } = this.#parts.api
    const merge = (body: Record<string, unknown>) => ({ type: 'merge' as const, body })
    switch (operation.type) {
      case 'vm-create':
        return kubeVirt.create(operation.vm, operation.nics, operation.running)
      case 'vm-start':
        return kubeVirt.start(operation.vm)
      case 'vm-stop':
        return kubeVirt.stop(operation.vm)
      case 'vm-delete':
        return kubeVirt.delete(operation.vm)
      case 'guest-reboot':
        return kubeVirt.reboot(operation.vm)
      case 'vm-migrate':
        return kubeVirt.migrate(operation.vm)
      case 'guest-pause':
        return kubeVirt.pause(operation.vm, operation.lasts, operation.clock)
      case 'guest-snapshot':
        return kubeVirt.snapshot(operation.vm)
      case 'guest-restore':
        return kubeVirt.restore(operation.vm, operation.what, operation.clock)
      case 'node-lost':
        return kubeVirt.loseNode(operation.vm, operation.lasts, operation.isCutOff)
      case 'force-delete':
        return kubeVirt.force(operation.vm, operation.what)
      case 'nic-add':
        return nicEdits.add(operation.vm, operation.nic)
      case 'nic-remove':
        return nicEdits.remove(operation.vm, operation.nic)
      case 'nic-move':
        return nicEdits.change(operation.vm, operation.nic, { network: operation.network }, operation.follows)
      case 'mac-change':
        return nicEdits.change(operation.vm, operation.nic, { mac: operation.mac }, operation.follows)
      case 'pin':
        return nicEdits.change(operation.vm, operation.nic, { pin: operation.pin })
      case 'config-pause':
        return this.#ask(() =>
          store.patch(VM_NETWORK_CONFIGS, key(operation.vm), merge({ spec: { paused: operation.paused } })),
        )
      case 'config-delete':
        return this.#ask(() => store.delete(VM_NETWORK_CONFIGS, key(operation.vm)))
      case 'pool-edit':
        return this.#ask(() =>
          store.patch(IP_POOLS, this.#pool(operation.pool), merge({ spec: operation.spec })),
        )
      case 'pool-delete':
        return this.#ask(() => store.delete(IP_POOLS, this.#pool(operation.pool, operation.rival)))
      case 'pool-create': {
        const network = networks.find(({ name }) => name === operation.pool)
        const key = this.#pool(operation.pool, operation.rival)
        return network && this.#ask(() => store.create(IP_POOLS, poolObject(network, key)))
      }
      case 'status-edit':
        return this.#ask(() =>
          store.patch(IP_POOLS, this.#pool(operation.pool), merge({ status: operation.status }), 'status'),
        )
    }
  }

  /** Of the network of this name. */
  #pool(network: string, isRival = false): ObjectKey {
    const key = poolOf(this.#parts.networks.find(({ name }) => name === network) ?? { name: network })
    return isRival ? { ...key, name: `${key.name}-rival` } : key
  }

  #ask(request: () => Promise<unknown>): void {
    const { api, scheduler, isApiDown } = this.#parts
    if (isApiDown()) {
      scheduler.after(RETRY, scheduler.outside, () => this.#ask(request))
      return
    }
    void api.as('operator', request).catch((error: unknown) => {
      // What makes no sense by now is told to whoever typed it, and that is all.
      const isRefused = error instanceof InvalidObjectError || error instanceof AlreadyExistsError
      if (isRefused || error instanceof NotFoundError) return
      throw error
    })
  }
}

function key(name: string) {
  return { namespace: NAMESPACE, name }
}
