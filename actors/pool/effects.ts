import type { Logger } from 'pino'
import { IP_POOL_FINALIZER, type IPPool, ipPoolSchema } from '../../src/api/ippool.ts'
import { IP_POOLS } from '../../src/api/resource.ts'
import { type IPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type ObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import type { Duration } from '../../src/api/values/time.ts'
import {
  ConflictError,
  InvalidObjectError,
  NotFoundError,
  retryAfterOf,
  ThrottledError,
} from '../../src/kube/errors.ts'
import type { Store } from '../../src/kube/store.ts'
import type { DemandReader } from './demand.ts'
import type { CommitFailure, PoolEffect, PoolMessage, Registration } from './messages.ts'
import { networkOf as registeredNetworkOf, registerNetwork, unregisterNetworks } from './registration.ts'

export interface PoolEffectParts {
  key: ObjectKey
  store: Store
  log: Logger
  demand: DemandReader
  /** The IPv4 addresses of a host name, for NTP servers. @throws when it has none */
  resolve: (name: string) => Promise<readonly IPv4Address[]>
}

/** Effects that talk to the outside and come back with a message; the others are the shell's own. */
export type OutgoingPoolEffect = Extract<
  PoolEffect,
  {
    type:
      | 'read-pool'
      | 'commit'
      | 'check-demand'
      | 'find-orphans'
      | 'check-registration'
      | 'add-finalizer'
      | 'unregister-and-remove-finalizer'
      | 'resolve-ntp'
  }
>

/**
 * Carries out one effect for `pool` as it is served; never rejects. The outcome is undefined where nobody needs to know.
 */
export async function carryOut(
  effect: OutgoingPoolEffect,
  pool: IPPool | undefined,
  parts: PoolEffectParts,
): Promise<PoolMessage | undefined> {
  const { key, store, log, demand } = parts
  switch (effect.type) {
    case 'read-pool':
      return readPool(store, key, log)

    case 'commit':
      try {
        const object = await store.patch(IP_POOLS, key, { type: 'merge', body: effect.patch }, 'status')
        return { type: 'commit-done', pool: ipPoolSchema.parse(object) }
      } catch (error) {
        const cause = failureOf(error)
        log[cause === 'conflict' ? 'debug' : 'warn']({ err: error, cause }, 'status not written')
        return { type: 'commit-failed', cause, reason: reasonOf(error), retryAfter: retryAfterOf(error) }
      }

    case 'check-demand':
      try {
        const network = networkOf(pool, key)
        const current = await demand.read(network, effect.mac, effect.candidates)
        return { type: 'demand-checked', check: effect.check, demand: current }
      } catch (error) {
        return { type: 'demand-check-failed', check: effect.check, reason: reasonOf(error) }
      }

    case 'find-orphans':
      try {
        const { held, changesByOthers } = effect
        const orphans = await demand.findOrphans(networkOf(pool, key), held)
        return orphans.length === 0 ? undefined : { type: 'orphans-found', orphans, changesByOthers }
      } catch (error) {
        log.warn({ err: error }, 'could not look for addresses that nobody asks for; trying again later')
        return undefined
      }

    case 'check-registration':
      return { type: 'registration-checked', registration: await register(store, pool, effect.tidy, log) }

    case 'add-finalizer':
      return writeFinalizers(pool, log, (current) =>
        changeFinalizers(store, key, current, (finalizers) => [...finalizers, IP_POOL_FINALIZER]),
      )

    case 'unregister-and-remove-finalizer':
      return writeFinalizers(pool, log, async (current) => {
        await unregisterNetworks(store, current)
        await changeFinalizers(store, key, current, (finalizers) =>
          finalizers.filter((finalizer) => finalizer !== IP_POOL_FINALIZER),
        )
      })

    case 'resolve-ntp': {
      const resolved = await Promise.all(
        effect.names.map(async (name) => [name, await resolveName(name, parts)] as const),
      )
      const addresses = new Map<string, readonly IPv4Address[]>()
      for (const [name, found] of resolved) if (found !== undefined) addresses.set(name, found)
      return { type: 'ntp-resolved', addresses }
    }
  }
}

async function register(
  store: Store,
  pool: IPPool | undefined,
  tidy: boolean,
  log: Logger,
): Promise<Registration | undefined> {
  if (pool === undefined) return undefined
  try {
    if (tidy) await unregisterNetworks(store, pool, registeredNetworkOf(pool))
    return await registerNetwork(store, pool)
  } catch (error) {
    log.warn({ err: error }, 'the network could not be labelled; trying again')
    return undefined
  }
}

async function writeFinalizers(
  pool: IPPool | undefined,
  log: Logger,
  write: (pool: IPPool) => Promise<void>,
): Promise<PoolMessage> {
  try {
    if (pool !== undefined) await write(pool)
    return { type: 'finalizers-written', ok: true }
  } catch (error) {
    log.warn({ err: error }, 'finalizers not written; trying again')
    return { type: 'finalizers-written', ok: false }
  }
}

async function readPool(store: Store, key: ObjectKey, log: Logger): Promise<PoolMessage> {
  let retryAfter: Duration | undefined
  try {
    const parsed = ipPoolSchema.safeParse(await store.get(IP_POOLS, key))
    if (parsed.success) return { type: 'pool-read', pool: parsed.data }
    log.warn({ err: parsed.error }, 'the IPPool is malformed')
  } catch (error) {
    if (error instanceof NotFoundError) return { type: 'pool-read', pool: undefined }
    log.warn({ err: error }, 'the IPPool could not be read')
    retryAfter = retryAfterOf(error)
  }
  return { type: 'pool-read-failed', retryAfter }
}

/** @throws StoreError */
async function changeFinalizers(
  store: Store,
  key: ObjectKey,
  pool: IPPool,
  change: (finalizers: readonly string[]) => string[],
): Promise<void> {
  const { resourceVersion, finalizers = [] } = pool.metadata
  const body = { metadata: { resourceVersion, finalizers: change(finalizers) } }
  await store.patch(IP_POOLS, key, { type: 'merge', body })
}

async function resolveName(
  name: string,
  { resolve, log }: PoolEffectParts,
): Promise<readonly IPv4Address[] | undefined> {
  if (/^[\d.]+$/.test(name)) return [parseIPv4Address(name)]
  try {
    // Sorted, because servers answer in another order each time, and that is no news.
    return [...(await resolve(name))].sort((a, b) => a - b)
  } catch (error) {
    log.warn({ err: error, name }, 'NTP server name does not resolve; option 42 goes without it')
    return undefined
  }
}

function failureOf(error: unknown): CommitFailure {
  if (error instanceof ConflictError) return 'conflict'
  if (error instanceof NotFoundError) return 'gone'
  if (error instanceof InvalidObjectError) return 'refused'
  // Not a 503, which something between here and the API server may have said of a request that went through.
  if (error instanceof ThrottledError && error.code === 429) return 'throttled'
  return 'unknown'
}

function networkOf(pool: IPPool | undefined, key: ObjectKey): ObjectKey {
  return parseObjectKey(pool?.spec.networkName ?? key.name, key.namespace)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
