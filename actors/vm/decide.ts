import { type Instant, later, milliseconds } from '../../src/api/values/time.ts'
import { allocateAnswered, onAnswer, releaseAnswered, requestFailed } from './answers.ts'
import { backoff, scheduleWake } from './backoff.ts'
import { configPatch, type DesiredConfig, desiredConfig, newConfig, owningVm } from './desired-config.ts'
import { followConfig } from './follow-config.ts'
import { hintAtWaiting } from './hint.ts'
import type { Observed, VmEffect, VmMessage } from './messages.ts'
import type { NicState, VmState } from './state.ts'

export interface VmDecision {
  state: VmState
  effects: readonly VmEffect[]
}

/** What a VM's actor does with a message: level-triggered, so each message ends in a look at the whole. */
export function decide(state: VmState, message: VmMessage, now: Instant): VmDecision {
  const effects: VmEffect[] = []
  const next = settle(apply(state, message, now, effects), now, effects)
  return { state: next, effects }
}

function apply(state: VmState, message: VmMessage, now: Instant, effects: VmEffect[]): VmState {
  switch (message.type) {
    case 'observed':
      return withObserved(state, message.observed)
    case 'allocate-answered':
      return onAnswer(state, message.nic, message.ask, (nic) =>
        allocateAnswered(nic, message.reply, now, effects),
      )
    case 'release-answered':
      return onAnswer(state, message.nic, message.ask, (nic) =>
        releaseAnswered(nic, message.reply, now, effects),
      )
    case 'request-failed':
      return onAnswer(state, message.nic, message.ask, (nic) => requestFailed(nic, message.reason, now))
    case 'written': {
      const written = { ...state, writing: false, writeAfter: undefined, writeFailures: 0 }
      if (state.observed === undefined || isOvertaken(state, message.config)) return written
      return { ...written, observed: { ...state.observed, config: message.config } }
    }
    case 'write-failed': {
      effects.push({ type: 'observe' })
      const writeFailures = state.writeFailures + 1
      const delay = milliseconds(Math.max(backoff(writeFailures), message.retryAfter ?? 0))
      return { ...state, writing: false, writeFailures, writeAfter: later(now, delay) }
    }
    case 'nudge': {
      const nics = [...state.nics].map(([key, nic]) => [key, nudged(nic, message.scope, now)] as const)
      return { ...state, nics: new Map(nics) }
    }
    case 'wake':
      return { ...state, wakeAt: undefined }
  }
}

function withObserved(state: VmState, observed: Observed): VmState {
  const uid = observed.config?.metadata.uid
  const isGone = state.watchedUid !== undefined && state.watchedUid !== uid
  return { ...state, observed, watchedUid: uid, goneUid: isGone ? state.watchedUid : state.goneUid }
}

/**
 * The watch may tell what became of an object, also its end, before the answer to an earlier write of it comes. There is
 * no second telling. (Versions of one object can be compared: KEP-5504, Comparable Resource Version.)
 */
function isOvertaken({ goneUid, observed }: VmState, config: Observed['config']): boolean {
  if (config === undefined) return false
  const { uid, resourceVersion } = config.metadata
  const watched = observed?.config?.metadata
  return (
    uid === goneUid || (watched?.uid === uid && Number(watched?.resourceVersion) > Number(resourceVersion))
  )
}

function settle(before: VmState, now: Instant, effects: VmEffect[]): VmState {
  const { observed } = before
  if (observed === undefined || before.writing) return before
  if (before.writeAfter !== undefined && before.writeAfter > now) return scheduleWake(before, now, effects)
  const { vm, config } = observed
  const alive = vm?.metadata.deletionTimestamp === undefined ? vm : undefined
  const desired = alive === undefined ? undefined : desiredConfig({ ...observed, vm: alive })
  const state = desired === undefined ? before : hintAtWaiting(before, desired, now, effects)

  if (config === undefined) {
    const forgotten = { ...state, nics: new Map() }
    if (vm === undefined) effects.push({ type: 'finish' })
    if (alive === undefined || desired === undefined || desired.networks.length === 0) return forgotten
    effects.push({ type: 'create-config', config: newConfig(alive, desired) }, configWritten(desired))
    return { ...forgotten, writing: true }
  }
  if (config.metadata.deletionTimestamp !== undefined) return followConfig(state, config, now, effects)

  const owner = owningVm(config)
  if (vm === undefined && owner !== undefined) {
    const { uid = '', resourceVersion = '' } = config.metadata
    effects.push({ type: 'collect-config', seen: { uid, resourceVersion }, vm: owner })
    return { ...state, writing: true }
  }
  const patch = configPatch(config, alive, desired)
  if (patch !== undefined) {
    effects.push({ type: 'patch-config', patch })
    if (desired !== undefined && patch.spec !== undefined) effects.push(configWritten(desired))
    return { ...state, writing: true }
  }
  return followConfig(tellProblems(state, desired, effects), config, now, effects)
}

/** What is wrong with the VM's interfaces is said once, on the object that people look at. */
function tellProblems(state: VmState, desired: DesiredConfig | undefined, effects: VmEffect[]): VmState {
  const message = desired?.problems.join('; ') ?? ''
  if (message === state.toldProblems) return state
  if (message !== '')
    effects.push({
      type: 'record',
      about: 'config',
      severity: 'Warning',
      reason: 'InvalidInterface',
      message,
    })
  return { ...state, toldProblems: message }
}

function nudged(nic: NicState, scope: 'waiting' | 'all', now: Instant): NicState {
  const { phase } = nic
  if (phase.type === 'waiting' || phase.type === 'stale') return { ...nic, phase: { ...phase, retryAt: now } }
  if (phase.type !== 'allocated' || scope !== 'all') return nic
  const { wish, address } = phase
  const again = { retryAt: now, failures: 0, reason: '', message: '' }
  return { ...nic, phase: { type: 'waiting', wish, address, ...again } }
}

function configWritten({ networks }: DesiredConfig): VmEffect {
  const body = {
    networks: networks.map(({ macAddress, networkName, ipAddress }) => ({
      macAddress,
      network: networkName,
      pinnedAddress: ipAddress,
    })),
  }
  return { type: 'publish', event: { type: 'config-written', body } }
}
