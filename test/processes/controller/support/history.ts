import { expect } from 'vitest'
import { ipPoolSchema } from '../../../../src/api/ippool.ts'
import type { KubeObject } from '../../../../src/api/object.ts'
import { IP_POOLS, type Resource, VM_NETWORK_CONFIGS } from '../../../../src/api/resource.ts'
import {
  networkStatuses,
  requestedNetworks,
  vmNetworkConfigSchema,
} from '../../../../src/api/vm-network-config.ts'
import type { KubeStore } from '../../../../src/kube/client.ts'
import { ExpiredError } from '../../../../src/kube/errors.ts'
import type { WatchHandle } from '../../../../src/kube/store.ts'
import { eventually } from '../world.ts'

/** Every write that the API server took, in its order. */
export interface History {
  /**
   * Ends it when it has all that the API server has, and holds every step of it against the laws that an API server can
   * see. Of two kinds it hears by two watches: of what is told to a VM, say, before of the status that said it first.
   */
  holdAgainstTheLaws(): Promise<void>
}

interface Step {
  version: number
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: KubeObject
}

/** Versions of all kinds come from one counter of etcd, and of the embedded API: they tell what came before what. */
export async function recordHistory(store: KubeStore, namespace: string): Promise<History> {
  const steps: Step[] = []
  const watches = new Map<Resource, WatchHandle>()
  let isOver = false
  let gap: Error | undefined
  for (const kind of [IP_POOLS, VM_NETWORK_CONFIGS]) {
    const { items, resourceVersion } = await store.list(kind, { namespace })
    for (const object of items) take('ADDED', object)
    follow(kind, resourceVersion)
  }

  function follow(kind: Resource, from: string): void {
    let resourceVersion = from
    const watch = store.watch(
      kind,
      { namespace, resourceVersion },
      {
        event(event) {
          if (event.type === 'BOOKMARK') resourceVersion = event.resourceVersion
          else {
            resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion
            take(event.type, event.object)
          }
        },
        // An API server ends the watches of who is slow to read: nothing is lost where the next one goes on.
        ended(error) {
          if (error instanceof ExpiredError) gap = error
          else if (!isOver) follow(kind, resourceVersion)
        },
      },
    )
    watches.set(kind, watch)
  }

  function take(type: Step['type'], object: KubeObject): void {
    steps.push({ version: Number(object.metadata.resourceVersion), type, object })
  }

  /** Of every object that is there, by what was heard of it last. */
  const heard = (kind: Resource) => {
    const versions = new Map<string, string | undefined>()
    for (const { type, object } of steps.filter((step) => step.object.kind === kind.kind)) {
      const { name, resourceVersion } = object.metadata
      if (type === 'DELETED') versions.delete(name)
      else versions.set(name, resourceVersion)
    }
    return versions
  }

  async function untilAllIsHeard(): Promise<void> {
    await eventually(async () => {
      if (gap !== undefined) return
      for (const kind of watches.keys()) {
        const { items } = await store.list(kind, { namespace })
        const listed = items.map(({ metadata }) => [metadata.name, metadata.resourceVersion] as const)
        expect(heard(kind)).toEqual(new Map(listed))
      }
    })
  }

  return {
    async holdAgainstTheLaws() {
      await untilAllIsHeard()
      isOver = true
      for (const watch of watches.values()) watch.stop()
      expect(gap).toBeUndefined()
      const laws = createLaws()
      for (const step of steps.sort((a, b) => a.version - b.version)) laws.see(step)
      expect(laws.broken).toEqual([])
      expect(laws.seen).toBeGreaterThan(0)
    },
  }
}

function createLaws() {
  const broken: string[] = []
  /** By address, as the status of the pool said last. */
  let held = new Map<string, string>()
  /** What any version of the status has said so far. */
  const everHeld = new Set<string>()
  /** MACs of objects that are going, or gone: theirs may pass to others. */
  const givenBack = new Set<string>()
  let capacity: number | undefined
  let seen = 0

  function seePool(object: KubeObject): void {
    const { ipv4 } = ipPoolSchema.parse(object).status ?? {}
    if (ipv4?.used === undefined || ipv4.available === undefined) return
    seen += 1
    const leases = Object.entries(ipv4.allocated ?? {}).filter(([, mac]) => mac.includes(':'))
    const macs = leases.map(([, mac]) => mac)
    if (new Set(macs).size !== macs.length) broken.push(`law 1: a MAC has two addresses: ${leases.join(' ')}`)
    for (const [address, mac] of leases) {
      const before = held.get(address)
      if (before !== undefined && before !== mac && !givenBack.has(before)) {
        broken.push(`law 1: ${address} passed from ${before} to ${mac}, though nobody gave it back`)
      }
      everHeld.add(`${address} ${mac}`)
    }
    for (const [address, mac] of held) {
      if (ipv4.allocated?.[address] !== mac && !givenBack.has(mac))
        broken.push(`law 7: ${mac} lost ${address}`)
    }
    held = new Map(leases)
    capacity ??= ipv4.used + ipv4.available
    if (ipv4.used !== leases.length) broken.push(`law 8: used is ${ipv4.used}, ${leases.length} are held`)
    if (ipv4.used + ipv4.available !== capacity) {
      broken.push(`law 8: ${ipv4.used} used and ${ipv4.available} available are not ${capacity}`)
    }
  }

  function seeConfig({ type, object }: Step): void {
    const config = vmNetworkConfigSchema.parse(object)
    const isGoing = type === 'DELETED' || config.metadata.deletionTimestamp !== undefined
    if (isGoing) for (const { macAddress } of requestedNetworks(config)) givenBack.add(macAddress)
    for (const { macAddress, allocatedIPAddress, state } of networkStatuses(config)) {
      if (state !== 'Allocated' || allocatedIPAddress === undefined) continue
      if (!everHeld.has(`${allocatedIPAddress} ${macAddress}`)) {
        broken.push(`law 2: ${macAddress} was told ${allocatedIPAddress}, which no status had said before`)
      }
    }
  }

  return {
    broken,
    get seen() {
      return seen
    },
    see(step: Step) {
      if (step.object.kind === IP_POOLS.kind) seePool(step.object)
      else seeConfig(step)
    },
  }
}
