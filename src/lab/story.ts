import { readFileSync } from 'node:fs'
import { loadAll } from 'js-yaml'
import { isConditionTrue } from '../api/condition.ts'
import { ipPoolSchema } from '../api/ippool.ts'
import { type KubeObject, kubeObjectSchema } from '../api/object.ts'
import {
  IP_POOLS,
  NETWORK_ATTACHMENT_DEFINITIONS,
  type Resource,
  VIRTUAL_MACHINES,
  VM_NETWORK_CONFIGS,
} from '../api/resource.ts'
import { formatIPv4Address } from '../api/values/ipv4-address.ts'
import { milliseconds, seconds } from '../api/values/time.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../api/vm-network-config.ts'
import { AlreadyExistsError, NotFoundError } from '../kube/errors.ts'
import type { Store } from '../kube/store.ts'
import { sleep } from '../runtime/clock.ts'
import { packageFile } from '../runtime/package-root.ts'
import { systemClock } from '../runtime/system-clock.ts'
import type { ClientLease } from './clients/lease.ts'

/** What was expected to happen did not happen in time. */
export class StoryError extends Error {
  override readonly name = 'StoryError'
}

const PATIENCE = seconds(20)
const PAUSE = milliseconds(100)
const LAST_APPLIED_ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration'
const KINDS: readonly Resource[] = [
  NETWORK_ATTACHMENT_DEFINITIONS,
  IP_POOLS,
  VIRTUAL_MACHINES,
  VM_NETWORK_CONFIGS,
]

/** `kubectl apply -f` of one of the examples, for the story. What is there already stays. @throws StoreError */
export async function applyExample(store: Store, file: string): Promise<void> {
  for (const document of loadAll(readFileSync(packageFile('deploy', 'examples', file), 'utf8'))) {
    const object: KubeObject = kubeObjectSchema.parse(document)
    const resource = KINDS.find(({ kind }) => kind === object.kind)
    if (resource === undefined) throw new StoryError(`${file} holds a ${object.kind}`)
    try {
      await store.create(resource, asApplied(object))
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error
    }
  }
}

/**
 * With what `kubectl apply` notes down, to the letter: the next apply compares with it, warns where it is missing, and
 * calls an object unchanged only where it is the same text.
 */
function asApplied(object: KubeObject): KubeObject {
  const { metadata } = object
  const { annotations = {} } = metadata
  const noted = `${JSON.stringify({ ...object, metadata: { ...metadata, annotations } }, keysInOrder)}\n`
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED_ANNOTATION]: noted } },
  }
}

function keysInOrder(_key: string, value: unknown): unknown {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isMap ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value
}

/** Waits until the agent serves the pool. @throws StoryError */
export async function untilPoolServes(store: Store, name: string): Promise<void> {
  await eventually(`IPPool ${name} is served`, async () => {
    const pool = ipPoolSchema.parse(await store.get(IP_POOLS, { namespace: 'default', name }))
    return isConditionTrue(pool.status?.conditions, 'AgentReady') ? true : undefined
  })
}

/** Waits for the VM's address. @throws StoryError */
export function untilAllocated(store: Store, name: string): Promise<string> {
  return eventually(`VirtualMachineNetworkConfig ${name} has an address`, async () => {
    const config = vmNetworkConfigSchema.parse(
      await store.get(VM_NETWORK_CONFIGS, { namespace: 'default', name }),
    )
    return networkStatuses(config).find(({ state }) => state === 'Allocated')?.allocatedIPAddress
  })
}

export function describeLease(lease: ClientLease): string {
  const list = (addresses: readonly ClientLease['address'][]) =>
    addresses.map(formatIPv4Address).join(', ') || '-'
  const mask = lease.subnetMask === undefined ? '-' : formatIPv4Address(lease.subnetMask)
  return [
    formatIPv4Address(lease.address),
    `mask ${mask}`,
    `router ${list(lease.routers)}`,
    `dns ${list(lease.dnsServers)}`,
    `lease ${lease.leaseSeconds ?? '-'} s`,
  ].join(', ')
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = systemClock.now() + PATIENCE
  while (systemClock.now() < deadline) {
    const found = await look().catch((error: unknown) => {
      if (error instanceof NotFoundError) return undefined
      throw error
    })
    if (found !== undefined) return found
    await sleep(systemClock, PAUSE)
  }
  throw new StoryError(`expected within ${PATIENCE / 1000} s: ${what}`)
}
