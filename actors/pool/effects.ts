import type { Logger } from 'pino'
import { IP_POOL_FINALIZER, type IPPool, ipPoolSchema } from '../../src/api/ippool.ts'
import type { KubeObject } from '../../src/api/object.ts'
import { IP_POOLS } from '../../src/api/resource.ts'
import { type IPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type ObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import { ConflictError, InvalidObjectError, NotFoundError } from '../../src/kube/errors.ts'
import type { Store } from '../../src/kube/store.ts'
import type { DemandReader } from './demand.ts'
import type { CommitFailure, PoolEffect, PoolMessage } from './messages.ts'
import { registerNetwork, unregisterNetwork } from './registration.ts'

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

/** Carries out one effect; never rejects. The outcome is undefined where nobody needs to know. */
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
        return { type: 'commit-failed', cause, reason: reasonOf(error) }
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
        const orphans = await demand.findOrphans(networkOf(pool, key), effect.held)
        return orphans.length === 0 ? undefined : { type: 'orphans-found', orphans }
      } catch (error) {
        log.warn({ err: error }, 'could not look for addresses that nobody asks for; trying again later')
        return undefined
      }

    case 'check-registration':
      if (pool === undefined) return undefined
      try {
        return { type: 'registration-checked', registration: await registerNetwork(store, pool) }
      } catch (error) {
        const registration = { registered: false, reason: 'Unavailable', message: reasonOf(error) }
        return { type: 'registration-checked', registration }
      }

    case 'add-finalizer':
      if (pool === undefined) return undefined
      return changeFinalizers(store, key, pool, log, (finalizers) => [...finalizers, IP_POOL_FINALIZER])

    case 'unregister-and-remove-finalizer':
      if (pool === undefined) return { type: 'finalizer-removed' }
      try {
        await unregisterNetwork(store, pool)
        await changeFinalizers(store, key, pool, log, (finalizers) =>
          finalizers.filter((finalizer) => finalizer !== IP_POOL_FINALIZER),
        )
      } catch (error) {
        log.warn({ err: error }, 'could not let go of the network; trying again')
      }
      return { type: 'finalizer-removed' }

    case 'resolve-ntp': {
      const found = await Promise.all(effect.names.map((name) => resolveName(name, parts)))
      // One name that does not resolve must not take away what the others, or an earlier look, gave.
      if (found.some((addresses) => addresses === undefined)) {
        const known = pool?.status?.ipv4?.ntpServers?.map(parseIPv4Address) ?? []
        return { type: 'ntp-resolved', addresses: unique([...found.flatMap((part) => part ?? []), ...known]) }
      }
      return { type: 'ntp-resolved', addresses: unique(found.flatMap((part) => part ?? [])) }
    }
  }
}

async function readPool(store: Store, key: ObjectKey, log: Logger): Promise<PoolMessage> {
  try {
    const parsed = ipPoolSchema.safeParse(await store.get(IP_POOLS, key))
    if (parsed.success) return { type: 'pool-read', pool: parsed.data }
    log.warn({ err: parsed.error }, 'the IPPool is malformed')
  } catch (error) {
    if (error instanceof NotFoundError) return { type: 'pool-read', pool: undefined }
    log.warn({ err: error }, 'the IPPool could not be read')
  }
  return { type: 'pool-read-failed' }
}

async function changeFinalizers(
  store: Store,
  key: ObjectKey,
  pool: IPPool,
  log: Logger,
  change: (finalizers: readonly string[]) => string[],
): Promise<PoolMessage> {
  const { resourceVersion, finalizers = [] } = pool.metadata
  const body = { metadata: { resourceVersion, finalizers: change(finalizers) } }
  try {
    const object: KubeObject = await store.patch(IP_POOLS, key, { type: 'merge', body })
    return { type: 'pool-read', pool: ipPoolSchema.parse(object) }
  } catch (error) {
    log.warn({ err: error }, 'finalizers not written')
    return { type: 'pool-read-failed' }
  }
}

async function resolveName(
  name: string,
  { resolve, log }: PoolEffectParts,
): Promise<readonly IPv4Address[] | undefined> {
  if (/^[\d.]+$/.test(name)) return [parseIPv4Address(name)]
  try {
    return await resolve(name)
  } catch (error) {
    log.warn({ err: error, name }, 'NTP server name does not resolve; option 42 goes without it')
    return undefined
  }
}

function failureOf(error: unknown): CommitFailure {
  if (error instanceof ConflictError) return 'conflict'
  if (error instanceof NotFoundError) return 'gone'
  if (error instanceof InvalidObjectError) return 'refused'
  return 'unknown'
}

function networkOf(pool: IPPool | undefined, key: ObjectKey): ObjectKey {
  return parseObjectKey(pool?.spec.networkName ?? key.name, key.namespace)
}

function unique(addresses: readonly IPv4Address[]): IPv4Address[] {
  return [...new Set(addresses)]
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
