import type { MacAddress } from '../../src/api/values/mac-address.ts'
import type { Owner } from './contracts.ts'
import type { PoolState } from './state.ts'

/** More than can be held (etcd's 1.5 MiB), waiting and in check together: beyond it, most claims are worth nothing. */
const MAXIMUM_CLAIMS = 200_000

/**
 * Notes who asks for a MAC. What is taken away on an older wish is compared with this: a MAC that was asked for since
 * stays (law 4).
 */
export function claim(state: PoolState, mac: MacAddress, owner: Owner): PoolState {
  if (state.claims.size >= MAXIMUM_CLAIMS && !state.claims.has(mac)) pruneClaims(state)
  state.claims.set(mac, { owner, serial: state.nextClaim })
  return { ...state, nextClaim: state.nextClaim + 1 }
}

/** Zero when nobody asked. */
export function claimOf(state: PoolState, mac: MacAddress): number {
  return state.claims.get(mac)?.serial ?? 0
}

/** Forgets who asked for MACs that hold nothing and wait for nothing. Serials are never used again, so that is safe. */
export function pruneClaims(state: PoolState): void {
  const { book, claims } = state
  if (book === undefined) return
  const inUse = new Set<string>()
  const waiting = [...state.pending, ...(state.inFlight?.requests ?? [])]
  for (const request of waiting) {
    inUse.add(request.type === 'allocate' ? request.request.macAddress : request.mac)
  }
  for (const { mac } of state.checks.values()) inUse.add(mac)
  for (const mac of claims.keys()) {
    if (book.allocator.addressOf(mac) === undefined && !inUse.has(mac)) claims.delete(mac)
  }
}
