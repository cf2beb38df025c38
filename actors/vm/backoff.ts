import { between, type Duration, type Instant, milliseconds } from '../../src/api/values/time.ts'
import type { VmEffect } from './messages.ts'
import type { VmState } from './state.ts'

/** 0.4 s, doubled with each failure, half a minute at most. */
export function backoff(failures: number): Duration {
  return milliseconds(Math.min(200 * 2 ** Math.min(failures, 20), 30_000))
}

/** One wake for the earliest thing that is to be tried again; while a write has to wait, all else waits for it. */
export function scheduleWake(state: VmState, now: Instant, effects: VmEffect[]): VmState {
  const at = nextTry(state, now)
  if (at === undefined || (state.wakeAt !== undefined && state.wakeAt <= at)) return state
  effects.push({ type: 'wake', after: milliseconds(Math.max(between(now, at), 0)) })
  return { ...state, wakeAt: at }
}

function nextTry({ nics, writeAfter }: VmState, now: Instant): Instant | undefined {
  if (writeAfter !== undefined && writeAfter > now) return writeAfter
  return [...nics.values()]
    .flatMap(({ phase }) => ('retryAt' in phase ? [phase.retryAt] : []))
    .reduce<Instant | undefined>(
      (first, time) => (first === undefined || time < first ? time : first),
      undefined,
    )
}
