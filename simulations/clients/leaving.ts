import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { Instant } from '../../src/api/values/time.ts'
import type { LossReason } from './events.ts'
import type { ClientDecision, ClientEffect } from './messages.ts'
import { type ClientState, leaseOf } from './state.ts'

/** Back to INIT, which sends its first DISCOVER at `startAt`. */
export function startOver(
  state: ClientState,
  startAt: Instant,
  wish: IPv4Address | undefined,
  effects: readonly ClientEffect[] = [],
): ClientDecision {
  const wished = state.habits.wishesLastAddress ? wish : undefined
  return { state: { ...state, phase: { name: 'INIT', startAt, wish: wished } }, effects }
}

/** The address is not used from this moment on; nothing when there is none. */
export function stopUsing(state: ClientState, why: LossReason): ClientEffect[] {
  const lease = leaseOf(state)
  if (lease === undefined) return []
  return [
    { type: 'use', address: undefined },
    { type: 'tell', event: { type: 'lost', address: lease.address, why } },
  ]
}
