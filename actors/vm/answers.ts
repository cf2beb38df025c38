import { type Instant, later } from '../../src/api/values/time.ts'
import type { AllocateReply, ReleaseReply } from '../pool/contracts.ts'
import { backoff } from './backoff.ts'
import type { NicKey, VmEffect } from './messages.ts'
import type { NicState, VmState, Wish } from './state.ts'

/** Only the answer to the last question counts; `undefined` means that nothing is left to look after. */
export function onAnswer(
  state: VmState,
  key: NicKey,
  ask: number,
  outcome: (nic: NicState) => NicState | undefined,
): VmState {
  const nic = state.nics.get(key)
  if (nic === undefined) return state
  const { phase } = nic
  if ((phase.type !== 'asking' && phase.type !== 'returning') || phase.ask !== ask) return state
  return withNic(state, key, outcome(nic))
}

export function allocateAnswered(
  nic: NicState,
  reply: AllocateReply,
  now: Instant,
  effects: VmEffect[],
): NicState {
  const { phase } = nic
  if (phase.type !== 'asking') return nic
  const names = { macAddress: nic.mac, network: nic.networkName }
  if (reply.outcome === 'allocated') {
    const { address } = reply
    if (phase.address !== address) {
      const message = `${address} allocated to ${nic.mac} on ${nic.networkName}`
      effects.push({
        type: 'record',
        about: 'config',
        severity: 'Normal',
        reason: 'AddressAllocated',
        message,
      })
      effects.push({ type: 'publish', event: { type: 'address-assigned', body: { ...names, address } } })
    }
    return { ...nic, phase: { type: 'allocated', wish: phase.wish, address } }
  }
  const { reason, message } = reply
  if (reason !== phase.reason) {
    const text = `no address for ${nic.mac} on ${nic.networkName}: ${message}`
    effects.push({ type: 'record', about: 'config', severity: 'Warning', reason, message: text })
    effects.push({ type: 'publish', event: { type: 'address-pending', body: { ...names, reason, message } } })
  }
  return asWaiting(nic, phase.wish, reply, now)
}

export function releaseAnswered(
  nic: NicState,
  reply: ReleaseReply,
  now: Instant,
  effects: VmEffect[],
): NicState | undefined {
  if (reply.outcome === 'refused') return asStale(nic, reply.message, now)
  const { mac, networkName, phase } = nic
  if (reply.outcome === 'released' && phase.address !== undefined) {
    const body = { macAddress: mac, network: networkName, address: phase.address }
    effects.push({ type: 'publish', event: { type: 'address-returned', body } })
  }
  return undefined
}

export function requestFailed(nic: NicState, reason: string, now: Instant): NicState {
  if (nic.phase.type !== 'asking') return asStale(nic, reason, now)
  // What was told of a refusal before stays told.
  return asWaiting(nic, nic.phase.wish, { reason: nic.phase.reason, message: reason }, now)
}

export function asWaiting(
  nic: NicState,
  wish: Wish,
  { reason, message }: { reason: string; message: string },
  now: Instant,
): NicState {
  const failures = failuresOf(nic) + 1
  const { address } = nic.phase
  const retryAt = later(now, backoff(failures))
  return { ...nic, phase: { type: 'waiting', wish, retryAt, failures, address, reason, message } }
}

export function withNic(state: VmState, key: NicKey, nic: NicState | undefined): VmState {
  const nics = new Map(state.nics)
  if (nic === undefined) nics.delete(key)
  else nics.set(key, nic)
  return { ...state, nics }
}

function asStale(nic: NicState, message: string, now: Instant): NicState {
  const failures = failuresOf(nic) + 1
  const retryAt = later(now, backoff(failures))
  return { ...nic, phase: { type: 'stale', retryAt, failures, message, address: nic.phase.address } }
}

function failuresOf({ phase }: NicState): number {
  return 'failures' in phase ? phase.failures : 0
}
