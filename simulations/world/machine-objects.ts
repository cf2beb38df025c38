import type { KubeObject } from '../../src/api/object.ts'
import { VIRTUAL_MACHINE_INSTANCES, VIRTUAL_MACHINES } from '../../src/api/resource.ts'
import { AlreadyExistsError, NotFoundError } from '../../src/kube/errors.ts'
import type { NicPlan } from '../plan/operations.ts'
import type { ApiServer } from './api-server.ts'
import {
  annotationChanges,
  INSTANCE_FINALIZER,
  instanceObject,
  instanceStatus,
  machineObject,
  machineSpec,
  NAMESPACE,
} from './cluster-objects.ts'
import type { Machine } from './machines.ts'
import type { Scheduler } from './scheduler.ts'

export interface MachineObjectsParts {
  api: ApiServer
  scheduler: Scheduler
  isApiDown: () => boolean
}

const RETRY = 1_000

/** VMs and their instances as the API has them: what is to become of them is tried until it is done. */
export class MachineObjects {
  readonly #parts: MachineObjectsParts

  constructor(parts: MachineObjectsParts) {
    this.#parts = parts
  }

  /** Again and again until it is done: the API may be away. */
  until(attempt: () => Promise<boolean>): void {
    const { api, scheduler, isApiDown } = this.#parts
    const again = () => scheduler.after(RETRY, scheduler.outside, () => this.until(attempt))
    if (isApiDown()) {
      again()
      return
    }
    void api.as('operator', attempt).then((isDone) => {
      if (!isDone) again()
    })
  }

  /** @returns false: there is one of that name */
  create(vm: string, nics: readonly NicPlan[], running: boolean): Promise<boolean> {
    return unlessThere(this.#store.create(VIRTUAL_MACHINES, machineObject(vm, nics, running)))
  }

  async find(vm: string): Promise<KubeObject | undefined> {
    try {
      return await this.#store.get(VIRTUAL_MACHINES, key(vm))
    } catch (error) {
      if (error instanceof NotFoundError) return undefined
      throw error
    }
  }

  /** Tried until it is done. @param absent the NIC that is being unplugged */
  write(
    vm: string,
    { nics, isRunning }: Pick<Machine, 'nics' | 'isRunning'>,
    done: () => void,
    absent?: string,
  ): void {
    const body = {
      metadata: { annotations: annotationChanges(nics) },
      spec: machineSpec(nics, isRunning, absent),
    }
    this.until(async () => {
      await ifThere(this.#store.patch(VIRTUAL_MACHINES, key(vm), { type: 'merge', body }))
      done()
      return true
    })
  }

  /** @returns false: it is gone, or on its way out */
  async remove(vm: string): Promise<boolean> {
    const object = await this.find(vm)
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return false
    await ifThere(this.#store.delete(VIRTUAL_MACHINES, key(vm)))
    return true
  }

  /** KubeVirt has nothing more to do for it. */
  letGo(vm: string): Promise<void> {
    const body = { metadata: { finalizers: null } }
    return ifThere(this.#store.patch(VIRTUAL_MACHINES, key(vm), { type: 'merge', body }))
  }

  async createInstance(machine: KubeObject, nics: readonly NicPlan[]): Promise<void> {
    await unlessThere(this.#store.create(VIRTUAL_MACHINE_INSTANCES, instanceObject(machine, nics)))
  }

  /** What the running instance says of itself. */
  reportInstance(vm: string, status: { nodeName: string } | { nics: readonly NicPlan[] }): Promise<void> {
    const body = { status: 'nics' in status ? instanceStatus(status.nics) : status }
    return ifThere(this.#store.patch(VIRTUAL_MACHINE_INSTANCES, key(vm), { type: 'merge', body }))
  }

  /** It stays, whoever deletes it: nobody can see that its pod is gone. */
  holdInstance(vm: string): Promise<void> {
    const body = { metadata: { finalizers: [INSTANCE_FINALIZER] } }
    return ifThere(this.#store.patch(VIRTUAL_MACHINE_INSTANCES, key(vm), { type: 'merge', body }))
  }

  async removeInstance(vm: string): Promise<void> {
    const body = { metadata: { finalizers: null } }
    await ifThere(this.#store.patch(VIRTUAL_MACHINE_INSTANCES, key(vm), { type: 'merge', body }))
    await ifThere(this.#store.delete(VIRTUAL_MACHINE_INSTANCES, key(vm)))
  }

  get #store() {
    return this.#parts.api.store
  }
}

function key(vm: string) {
  return { namespace: NAMESPACE, name: vm }
}

async function unlessThere(creation: Promise<unknown>): Promise<boolean> {
  try {
    await creation
    return true
  } catch (error) {
    if (error instanceof AlreadyExistsError) return false
    throw error
  }
}

async function ifThere(action: Promise<unknown>): Promise<void> {
  try {
    await action
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
  }
}
