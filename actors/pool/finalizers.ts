import { IP_POOL_FINALIZER } from '../../src/api/ippool.ts'
import { poolNameProblem } from '../../src/api/pool-name.ts'
import { type Instant, later, milliseconds } from '../../src/api/values/time.ts'
import { hasLeases } from './book.ts'
import type { PoolEffect } from './messages.ts'
import type { PoolState } from './state.ts'

/**
 * Before anything is written into a pool's status: a pool without finalizer could vanish with leases in it. One whose
 * name is invalid gives none; its status comes first, because by that the API server knows it as one of old, which may
 * be edited in spite of its name (deploy/crds/ippools.yaml).
 */
export function needsFinalizer({ pool }: PoolState): boolean {
  return (
    pool !== undefined &&
    poolNameProblem(pool.metadata.name) === undefined &&
    pool.metadata.deletionTimestamp === undefined &&
    !pool.metadata.finalizers?.includes(IP_POOL_FINALIZER)
  )
}

export function addFinalizer(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  const { finalizers } = state
  if (finalizers.busy || finalizers.at > now) return state
  effects.push({ type: 'add-finalizer' })
  return { ...state, finalizers: { ...finalizers, busy: true } }
}

/** A pool in use stays, as Kubernetes' own in-use protection does; its agent goes on serving. */
export function finishDeletion(state: PoolState, now: Instant, effects: PoolEffect[]): PoolState {
  const { pool, finalizers } = state
  if (pool?.metadata.deletionTimestamp === undefined) return state
  if (!pool.metadata.finalizers?.includes(IP_POOL_FINALIZER)) return state
  // A registration under way would put the labels back that are taken off now.
  if (finalizers.busy || finalizers.at > now || state.registering || hasLeases(pool)) return state
  effects.push({ type: 'unregister-and-remove-finalizer' })
  return { ...state, finalizers: { ...finalizers, busy: true } }
}

/** Whatever came of it, the object is read again. */
export function finalizersWritten(state: PoolState, ok: boolean, now: Instant): PoolState {
  const failures = ok ? 0 : state.finalizers.failures + 1
  const delay = ok ? 0 : Math.min(200 * 2 ** Math.min(failures, 10), 30_000)
  const at = later(now, milliseconds(delay))
  return { ...state, finalizers: { busy: false, at, failures }, readRetry: { at: now, failures: 0 } }
}
