import { setTimeout as wait } from 'node:timers/promises'
import { VIRTUAL_MACHINES, VM_NETWORK_CONFIGS } from '../../../src/api/resource.ts'
import { type IPv4Address, parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../../src/api/vm-network-config.ts'
import { AlreadyExistsError, NotFoundError } from '../../../src/kube/errors.ts'
import type { Store } from '../../../src/kube/store.ts'
import { virtualMachine } from '../../e2e/support/manifests.ts'
import type { PoolOperation } from '../history/events.ts'

const NETWORK = 'default/net-48'
const LOOK_EVERY_MS = 20

/**
 * A user who makes VMs and deletes them, tries again until the API has taken it, and notes when each was asked for and
 * when it was seen done: what it is told of addresses is the history of the pool.
 */
export interface ApiUser {
  readonly history: readonly PoolOperation[]
  /** Resolves when the VM is known to have this address. */
  create(name: string, mac: MacAddress): Promise<IPv4Address>
  /** Resolves when the VM's network configuration is gone, and with it its hold on an address. */
  remove(name: string, mac: MacAddress): Promise<void>
  /** Addresses by MAC, as every VirtualMachineNetworkConfig says now. */
  told(): Promise<Map<MacAddress | string, IPv4Address>>
}

export function createApiUser(store: Store, now: () => number): ApiUser {
  const history: PoolOperation[] = []

  async function told(): Promise<Map<MacAddress | string, IPv4Address>> {
    const { items } = await store.list(VM_NETWORK_CONFIGS)
    const statuses = items.flatMap((item) => networkStatuses(vmNetworkConfigSchema.parse(item)))
    return new Map(
      statuses.flatMap(({ macAddress, allocatedIPAddress, state }) =>
        state === 'Allocated' && allocatedIPAddress !== undefined
          ? [[macAddress, parseIPv4Address(allocatedIPAddress)] as const]
          : [],
      ),
    )
  }

  /** One look for all who wait. */
  let looking: Promise<Map<string, IPv4Address>> | undefined
  function look(): Promise<Map<string, IPv4Address>> {
    looking ??= told().finally(() => {
      looking = undefined
    })
    return looking
  }

  return {
    history,
    told,
    async create(name, mac) {
      const invokedAt = now()
      const manifest = virtualMachine(name, [{ name: 'nic-1', macAddress: mac, networkName: NETWORK }])
      await insist(
        () => store.create(VIRTUAL_MACHINES, { ...manifest, metadata: metadataOf(name) }),
        AlreadyExistsError,
      )
      for (;;) {
        const address = (await look().catch(() => new Map<string, IPv4Address>())).get(mac)
        if (address !== undefined) {
          const outcome = { type: 'address', address } as const
          history.push({ type: 'allocate', mac, outcome, invokedAt, respondedAt: now() })
          return address
        }
        await wait(LOOK_EVERY_MS)
      }
    },
    async remove(name, mac) {
      const invokedAt = now()
      const key = { namespace: 'default', name }
      await insist(() => store.delete(VIRTUAL_MACHINES, key), NotFoundError)
      await insist(async () => {
        await store.get(VM_NETWORK_CONFIGS, key)
        throw new Error('it is still there')
      }, NotFoundError)
      history.push({ type: 'release', mac, outcome: { type: 'released' }, invokedAt, respondedAt: now() })
    },
  }
}

const metadataOf = (name: string) => ({ name, namespace: 'default' })

/** Until it is done, or `done` says that it was done before. */
async function insist(
  action: () => Promise<unknown>,
  done: typeof AlreadyExistsError | typeof NotFoundError,
): Promise<void> {
  for (;;) {
    try {
      await action()
      return
    } catch (error) {
      if (error instanceof done) return
      await wait(LOOK_EVERY_MS)
    }
  }
}
