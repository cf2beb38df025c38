import { between, type Duration, type Instant, milliseconds } from '../../src/api/values/time.ts'
import type { VmEffect } from './messages.ts'
import type { VmState } from './state.ts'

/** 0.4 s, doubled with each failure, half a minute at most. */
export function backoff(failures: number): Duration {
  return milliseconds(Math.min(200 * 2 ** Math.min(failures, 20), 30_000))
}

/** One wake for the earliest thing that is to be tried again. */
export function scheduleWake(state: VmState, now: Instant, effects: VmEffect[]): VmState {
  const times = [...state.nics.values()].flatMap(({ phase }) => ('retryAt' in phase ? [phase.retryAt] : []))
  if (state.writeAfter !== undefined && state.writeAfter > now) times.push(state.writeAfter)
  if (times.length === 0) return state
  const at = Math.min(...times) as Instant
  if (state.wakeAt !== undefined && state.wakeAt <= at) return state
  effects.push({ type: 'wake', after: milliseconds(Math.max(between(now, at), 0)) })
  return { ...state, wakeAt: at }
}
