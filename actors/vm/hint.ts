import { type Instant, later, seconds } from '../../src/api/values/time.ts'
import type { DesiredConfig } from './desired-config.ts'
import type { VmEffect } from './messages.ts'
import type { VmState } from './state.ts'

/** KubeVirt, or the user interface, writes a MAC address moments after the VM: only who waits longer is told of. */
const PATIENCE = seconds(10)

/** An interface without a MAC address has no line in any object: the VM itself says why it gets no address, once. */
export function hintAtWaiting(
  state: VmState,
  { waiting, problems }: DesiredConfig,
  now: Instant,
  effects: VmEffect[],
): VmState {
  if (waiting.length === 0) return state.hint === undefined ? state : { ...state, hint: undefined }
  const text = [
    `an interface on ${waiting.join(', ')} waits for its MAC address: give it a macAddress, or start the VM`,
    ...problems,
  ].join('; ')
  const { hint } = state
  if (hint?.text !== text) {
    effects.push({ type: 'wake', after: PATIENCE })
    return { ...state, hint: { text, at: later(now, PATIENCE), told: false } }
  }
  if (hint.told || hint.at > now) return state
  effects.push({
    type: 'record',
    about: 'vm',
    severity: 'Warning',
    reason: 'WaitingForMacAddress',
    message: text,
  })
  return { ...state, hint: { ...hint, told: true } }
}
