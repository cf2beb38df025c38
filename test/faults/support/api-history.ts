import { setTimeout as wait } from 'node:timers/promises'
import { VIRTUAL_MACHINES, VM_NETWORK_CONFIGS } from '../../../src/api/resource.ts'
import {
  formatIPv4Address,
  type IPv4Address,
  parseIPv4Address,
} from '../../../src/api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { STATIC_ADDRESS_ANNOTATION_PREFIX } from '../../../src/api/virtual-machine.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../../src/api/vm-network-config.ts'
import { AlreadyExistsError, NotFoundError } from '../../../src/kube/errors.ts'
import type { Store } from '../../../src/kube/store.ts'
import { virtualMachine } from '../../e2e/support/manifests.ts'
import type { PoolOperation } from '../history/events.ts'

const NETWORK = 'default/net-48'
const NIC = 'nic-1'
const LOOK_EVERY_MS = 20
/** A call that was not answered for so long is given up, and made again: what became of the first nobody knows. */
const GIVE_UP_MS = 1_500
const PATIENCE_MS = 90_000

/**
 * A user who makes VMs and deletes them, and notes when each was asked for and when it was seen done: what it is told of
 * addresses is the history of the pool.
 */
export interface ApiUser {
  readonly history: readonly PoolOperation[]
  /** Resolves when the VM is known to have an address. @param pinned the one that its VM asks for */
  create(name: string, mac: MacAddress, pinned?: IPv4Address): Promise<IPv4Address>
  /** Resolves when the VM's network configuration is gone, and with it its hold on an address. */
  remove(name: string, mac: MacAddress): Promise<void>
  /** Addresses by MAC, as every VirtualMachineNetworkConfig says now. */
  told(): Promise<Map<MacAddress, IPv4Address>>
}

/** The pool took longer than any user waits. */
export class ImpatientError extends Error {
  override readonly name = 'ImpatientError'
  constructor(what: string) {
    super(`${what} within ${PATIENCE_MS / 1000} s`)
  }
}

export function createApiUser(store: Store, now: () => number): ApiUser {
  const history: PoolOperation[] = []

  async function told(): Promise<Map<MacAddress, IPv4Address>> {
    const { items } = await store.list(VM_NETWORK_CONFIGS)
    const statuses = items.flatMap((item) => networkStatuses(vmNetworkConfigSchema.parse(item)))
    return new Map(
      statuses.flatMap(({ macAddress, allocatedIPAddress, state }) =>
        state === 'Allocated' && allocatedIPAddress !== undefined
          ? [[parseMacAddress(macAddress), parseIPv4Address(allocatedIPAddress)] as const]
          : [],
      ),
    )
  }

  let looking: { readonly begunAt: number; readonly seen: ReturnType<typeof told> } | undefined
  /** One look for all who wait, but none that began before: it would tell of a VM that had the name earlier. */
  async function lookSince(since: number): ReturnType<typeof told> {
    if (looking !== undefined && looking.begunAt < since) await looking.seen.catch(() => {})
    if (looking === undefined) {
      const seen = told().finally(() => {
        looking = undefined
      })
      looking = { begunAt: now(), seen }
    }
    return looking.seen
  }

  return {
    history,
    told,
    async create(name, mac, pinned) {
      const vm = vmManifest(name, mac, pinned)
      const since = now()
      for (;;) {
        const invokedAt = now()
        if (invokedAt - since > PATIENCE_MS) throw new ImpatientError(`${name} was not told an address`)
        const address = await untilGivenUp(now, async () => {
          await store.create(VIRTUAL_MACHINES, vm).catch(accept(AlreadyExistsError))
          return (await lookSince(invokedAt)).get(mac)
        })
        const call = { type: 'allocate', mac, invokedAt, respondedAt: now() } as const
        if (address !== undefined) {
          history.push({ ...call, outcome: { type: 'address', address } })
          return address
        }
        history.push({ ...call, outcome: { type: 'unknown' } })
      }
    },
    async remove(name, mac) {
      const key = { namespace: 'default', name }
      const since = now()
      for (;;) {
        const invokedAt = now()
        if (invokedAt - since > PATIENCE_MS) throw new ImpatientError(`${name} was not gone`)
        const done = await untilGivenUp(now, async () => {
          await store.delete(VIRTUAL_MACHINES, key).catch(accept(NotFoundError))
          const config = await store.get(VM_NETWORK_CONFIGS, key).catch(accept(NotFoundError))
          return config === undefined ? true : undefined
        })
        const type = done === true ? 'released' : 'unknown'
        history.push({ type: 'release', mac, outcome: { type }, invokedAt, respondedAt: now() })
        if (done === true) return
      }
    },
  }
}

function vmManifest(name: string, macAddress: MacAddress, pinned: IPv4Address | undefined) {
  const manifest = virtualMachine(name, [{ name: NIC, macAddress, networkName: NETWORK }])
  const annotations =
    pinned === undefined ? {} : { [`${STATIC_ADDRESS_ANNOTATION_PREFIX}${NIC}`]: formatIPv4Address(pinned) }
  return { ...manifest, metadata: { name, namespace: 'default', annotations } }
}

/** Tries until there is a result; undefined when there was none in time. */
async function untilGivenUp<T>(
  now: () => number,
  attempt: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = now() + GIVE_UP_MS
  do {
    const result = await attempt().catch(() => undefined)
    if (result !== undefined) return result
    await wait(LOOK_EVERY_MS)
  } while (now() < deadline)
  return undefined
}

/** What was done before is done. */
function accept(done: typeof AlreadyExistsError | typeof NotFoundError): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof done)) throw error
  }
}
