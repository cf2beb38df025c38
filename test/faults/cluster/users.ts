import { setTimeout as wait } from 'node:timers/promises'
import { type IPv4Address, parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import { STATIC_ADDRESS_ANNOTATION_PREFIX } from '../../../src/api/virtual-machine.ts'
import type { KubeStore } from '../../../src/kube/client.ts'
import type { PoolOperation } from '../history/events.ts'
import type { Truth } from './truth.ts'
import { createVm, deleteVm, type Vm } from './world.ts'

/** What was not answered for so long is given up, and called again: what became of it nobody knows. */
const GIVE_UP_MS = 4_000

/** Those who make and delete VMs. What they are told of addresses is the history of the pool. */
export interface Users {
  readonly history: readonly PoolOperation[]
  /** Who was told what: the pool as it is when nobody waits. */
  told(): Map<MacAddress, IPv4Address>
  /** Makes a VM. @returns when it was told its address @param pinned the address that it asks for */
  ask(vm: Vm, pinned?: string): Promise<number>
  /** Deletes a VM; resolves when nothing is left of it. */
  giveBack(vm: Vm): Promise<void>
}

export function createUsers(store: KubeStore, truth: Truth): Users {
  const history: PoolOperation[] = []

  /** @param note the call that is over, with what came of it: nothing when it is given up */
  async function untilDone<T>(
    work: Promise<T>,
    note: (call: { invokedAt: number; respondedAt: number }, result: T | undefined) => void,
  ): Promise<T> {
    for (;;) {
      const invokedAt = performance.now()
      const given = await Promise.race([work.then((result) => ({ result })), wait(GIVE_UP_MS)])
      note({ invokedAt, respondedAt: performance.now() }, given?.result)
      if (given !== undefined) return given.result
    }
  }

  return {
    history,
    told: () => addresses(truth.told()),
    async ask(vm, pinned) {
      const { mac } = vm
      const annotations: Record<string, string> =
        pinned === undefined ? {} : { [`${STATIC_ADDRESS_ANNOTATION_PREFIX}nic-1`]: pinned }
      const work = createVm(store, vm, annotations)
        .then(() => truth.untilTold(mac))
        .then((at) => ({ at, address: addresses(truth.told()).get(mac) }))
      const { at } = await untilDone(work, (call, result) => {
        const address = result?.address
        const outcome =
          address === undefined ? ({ type: 'unknown' } as const) : ({ type: 'address', address } as const)
        history.push({ type: 'allocate', mac, ...call, outcome })
      })
      return at
    },
    async giveBack(vm) {
      const { mac } = vm
      const work = deleteVm(store, vm).then(() => truth.untilGone(vm.name))
      await untilDone(work, (call, result) => {
        const type = result === undefined ? 'unknown' : 'released'
        history.push({ type: 'release', mac, ...call, outcome: { type } })
      })
    },
  }
}

function addresses(told: ReadonlyMap<MacAddress, string>): Map<MacAddress, IPv4Address> {
  return new Map([...told].map(([mac, address]) => [mac, parseIPv4Address(address)]))
}
