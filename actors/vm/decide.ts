import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import { between, type Duration, type Instant, later, milliseconds } from '../../src/api/values/time.ts'
import {
  networkStatuses,
  type RequestedNetwork,
  requestedNetworks,
  VM_NETWORK_CONFIG_FINALIZER,
  type VmNetworkConfig,
} from '../../src/api/vm-network-config.ts'
import type { AllocateReply, Owner } from '../pool/contracts.ts'
import { configPatch, desiredNetworks, newConfig, owningVm } from './desired-config.ts'
import type { NicKey, VmEffect, VmMessage } from './messages.ts'
import { readNic } from './nic-key.ts'
import type { NicPhase, NicState, VmState } from './state.ts'
import { statusPatch } from './status.ts'

export interface VmDecision {
  state: VmState
  effects: readonly VmEffect[]
}

export function initialVmState(): VmState {
  return {
    observed: undefined,
    nics: new Map(),
    rememberedFrom: undefined,
    writing: false,
    writeAfter: undefined,
    writeFailures: 0,
    nextAsk: 1,
    wakeAt: undefined,
  }
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
      return { ...state, observed: message.observed }
    case 'allocate-answered':
      return onAnswer(state, message.nic, message.ask, (nic) =>
        answered(nic, message.reply, state, now, effects),
      )
    case 'release-answered':
      return onAnswer(state, message.nic, message.ask, (nic) => {
        if (message.reply.outcome === 'refused') return asStale(nic, message.reply.message, now)
        const { mac, networkName, phase } = nic
        const body = { macAddress: mac, network: networkName, address: phase.address }
        effects.push({ type: 'publish', event: { type: 'address-returned', body } })
        return undefined
      })
    case 'request-failed':
      return onAnswer(state, message.nic, message.ask, (nic) => {
        if (nic.phase.type === 'returning') return asStale(nic, message.reason, now)
        return asWaiting(nic, { reason: 'PoolUnreachable', message: message.reason }, now)
      })
    case 'written': {
      if (state.observed === undefined) return { ...state, writing: false, writeFailures: 0 }
      const observed = { ...state.observed, config: message.config }
      return { ...state, observed, writing: false, writeAfter: undefined, writeFailures: 0 }
    }
    case 'write-failed': {
      effects.push({ type: 'observe' })
      const writeFailures = state.writeFailures + 1
      return { ...state, writing: false, writeFailures, writeAfter: later(now, backoff(writeFailures)) }
    }
    case 'nudge':
      return {
        ...state,
        nics: new Map([...state.nics].map(([key, nic]) => [key, nudged(nic, message.scope, now)])),
      }
    case 'wake':
      return { ...state, wakeAt: undefined }
  }
}

function settle(state: VmState, now: Instant, effects: VmEffect[]): VmState {
  const { observed } = state
  if (observed === undefined || state.writing) return state
  if (state.writeAfter !== undefined && state.writeAfter > now) return scheduleWake(state, now, effects)
  const { vm, config } = observed

  if (config === undefined) {
    const wanted =
      vm === undefined || vm.metadata.deletionTimestamp !== undefined
        ? []
        : desiredNetworks({ ...observed, vm })
    if (vm !== undefined && wanted.length > 0) {
      effects.push({ type: 'create-config', config: newConfig(vm, wanted) }, configWritten(wanted))
      return { ...state, nics: new Map(), writing: true }
    }
    if (vm === undefined) effects.push({ type: 'finish' })
    return { ...state, nics: new Map() }
  }

  if (config.metadata.deletionTimestamp === undefined) {
    const owner = owningVm(config)
    if (vm === undefined && owner !== undefined) {
      effects.push({ type: 'collect-config', uid: config.metadata.uid ?? '', vm: owner })
      return { ...state, writing: true }
    }
    const alive = vm?.metadata.deletionTimestamp === undefined ? vm : undefined
    const networks = alive === undefined ? undefined : desiredNetworks({ ...observed, vm: alive })
    const patch = configPatch(config, alive, networks)
    if (patch !== undefined) {
      effects.push({ type: 'patch-config', patch })
      if (networks !== undefined && patch.spec !== undefined) effects.push(configWritten(networks))
      return { ...state, writing: true }
    }
  }
  return followConfig(state, config, now, effects)
}

/** The object says what is wanted; ask the pools for it, give back the rest, and tell in the status how it went. */
function followConfig(state: VmState, config: VmNetworkConfig, now: Instant, effects: VmEffect[]): VmState {
  const namespace = config.metadata.namespace ?? ''
  const deleting = config.metadata.deletionTimestamp !== undefined
  const wanted = new Map<NicKey, RequestedNetwork>()
  if (!deleting && !config.spec.paused) {
    for (const entry of requestedNetworks(config)) {
      const nic = readNic(entry, namespace)
      if (nic !== undefined && !wanted.has(nic.key)) wanted.set(nic.key, entry)
    }
  }

  let next: VmState = {
    ...state,
    nics: withWanted(state, config, wanted, now),
    rememberedFrom: config.metadata.uid,
  }
  for (const [key, nic] of next.nics) next = pursue(next, config, key, nic, wanted.get(key), now, effects)

  const isAsking = [...next.nics.values()].some(
    ({ phase }) => phase.type === 'asking' || phase.type === 'returning',
  )
  if (deleting && next.nics.size === 0) {
    const { finalizers = [], resourceVersion } = config.metadata
    if (!finalizers.includes(VM_NETWORK_CONFIG_FINALIZER)) return next
    const rest = finalizers.filter((finalizer) => finalizer !== VM_NETWORK_CONFIG_FINALIZER)
    effects.push({ type: 'patch-config', patch: { metadata: { resourceVersion, finalizers: rest } } })
    return { ...next, writing: true }
  }
  // While answers are due the status would be out of date as soon as it is written.
  const patch = isAsking || deleting ? undefined : statusPatch(config, next.nics, now)
  if (patch !== undefined) {
    effects.push({ type: 'write-status', patch })
    return { ...next, writing: true }
  }
  return scheduleWake(next, now, effects)
}

/** Every NIC that is asked for, and every one that the status remembers an address of. */
function withWanted(
  state: VmState,
  config: VmNetworkConfig,
  wanted: ReadonlyMap<NicKey, RequestedNetwork>,
  now: Instant,
): Map<NicKey, NicState> {
  const nics = new Map(state.nics)
  const namespace = config.metadata.namespace ?? ''
  const add = (entry: { macAddress: string; networkName: string }, address: string | undefined) => {
    const nic = readNic(entry, namespace)
    if (nic === undefined || nics.has(nic.key)) return
    const { key, mac, network } = nic
    nics.set(key, {
      mac,
      network,
      networkName: entry.networkName,
      phase: { type: 'waiting', retryAt: now, failures: 0, reason: '', message: '', address },
    })
  }
  // Only once: what was given back since is not given back again because the status is still to be written.
  if (state.rememberedFrom !== config.metadata.uid) {
    for (const entry of networkStatuses(config)) {
      if (entry.allocatedIPAddress !== undefined || entry.state === 'Stale')
        add(entry, entry.allocatedIPAddress)
    }
  }
  for (const entry of wanted.values()) add(entry, undefined)
  return nics
}

/** One step for one NIC: ask, ask again, or give back. */
function pursue(
  state: VmState,
  config: VmNetworkConfig,
  key: NicKey,
  nic: NicState,
  wanted: RequestedNetwork | undefined,
  now: Instant,
  effects: VmEffect[],
): VmState {
  const { phase } = nic
  if (phase.type === 'asking' || phase.type === 'returning') return state
  if (wanted === undefined) return giveBack(state, config, key, nic, now, effects)

  const pinned = pinOf(wanted)
  const uid = config.metadata.uid ?? ''
  if (
    phase.type === 'allocated' &&
    phase.uid === uid &&
    (pinned === undefined || formatIPv4Address(pinned) === phase.address)
  ) {
    return state
  }
  if (phase.type === 'waiting' && phase.retryAt > now) return state
  const failures = phase.type === 'waiting' ? phase.failures : 0
  const pool = state.observed?.pools.get(formatObjectKey(nic.network))
  if (pool === undefined) {
    const refusal = {
      reason: 'NoPool',
      message: `no IPPool serves the network ${formatObjectKey(nic.network)}; create one with spec.networkName ${formatObjectKey(nic.network)}`,
    }
    return withNic(state, key, asWaiting({ ...nic, phase: { ...phase, failures } as NicPhase }, refusal, now))
  }
  const ask = state.nextAsk
  const request = {
    macAddress: nic.mac,
    owner: ownerOf(config),
    ...(pinned === undefined ? {} : { pinnedAddress: formatIPv4Address(pinned) }),
    ...(phase.address === undefined ? {} : { hint: phase.address }),
  }
  effects.push({ type: 'allocate', nic: key, ask, pool, request })
  const asking: NicState = {
    ...nic,
    phase: { type: 'asking', ask, pinned, failures, address: phase.address },
  }
  return { ...withNic(state, key, asking), nextAsk: ask + 1 }
}

function giveBack(
  state: VmState,
  config: VmNetworkConfig,
  key: NicKey,
  nic: NicState,
  now: Instant,
  effects: VmEffect[],
): VmState {
  const { phase } = nic
  if (phase.type === 'stale' && phase.retryAt > now) return state
  const pool = state.observed?.pools.get(formatObjectKey(nic.network))
  // Without a pool there is nobody to give it back to: the lease went with the pool.
  if (pool === undefined) return withNic(state, key, undefined)
  const ask = state.nextAsk
  effects.push({
    type: 'release',
    nic: key,
    ask,
    pool,
    request: { macAddress: nic.mac, owner: ownerOf(config) },
  })
  const failures = phase.type === 'stale' ? phase.failures : 0
  const returning: NicState = { ...nic, phase: { type: 'returning', ask, failures, address: phase.address } }
  return { ...withNic(state, key, returning), nextAsk: ask + 1 }
}

function answered(
  nic: NicState,
  reply: AllocateReply,
  state: VmState,
  now: Instant,
  effects: VmEffect[],
): NicState {
  const names = { macAddress: nic.mac, network: nic.networkName }
  if (reply.outcome === 'allocated') {
    const { address } = reply
    const pinned = nic.phase.type === 'asking' ? nic.phase.pinned : undefined
    if (nic.phase.address !== address) {
      const message = `${address} allocated to ${nic.mac} on ${nic.networkName}`
      effects.push({ type: 'record', severity: 'Normal', reason: 'AddressAllocated', message })
      effects.push({ type: 'publish', event: { type: 'address-assigned', body: { ...names, address } } })
    }
    return {
      ...nic,
      phase: { type: 'allocated', address, pinned, uid: state.observed?.config?.metadata.uid ?? '' },
    }
  }
  const { reason, message } = reply
  const failures = nic.phase.type === 'asking' ? nic.phase.failures : 0
  // Told once, not at every attempt.
  if (failures === 0) {
    const text = `no address for ${nic.mac} on ${nic.networkName}: ${message}`
    effects.push({ type: 'record', severity: 'Warning', reason, message: text })
    effects.push({ type: 'publish', event: { type: 'address-pending', body: { ...names, reason, message } } })
  }
  return asWaiting(nic, { reason, message }, now)
}

function onAnswer(
  state: VmState,
  key: NicKey,
  ask: number,
  outcome: (nic: NicState) => NicState | undefined,
): VmState {
  const nic = state.nics.get(key)
  const { phase } = nic ?? {}
  const isDue = phase?.type === 'asking' || phase?.type === 'returning' ? phase.ask === ask : false
  if (nic === undefined || !isDue) return state
  return withNic(state, key, outcome(nic))
}

function nudged(nic: NicState, scope: 'waiting' | 'all', now: Instant): NicState {
  const { phase } = nic
  if (phase.type === 'waiting' || phase.type === 'stale') return { ...nic, phase: { ...phase, retryAt: now } }
  if (phase.type === 'allocated' && scope === 'all') {
    const { address } = phase
    return { ...nic, phase: { type: 'waiting', retryAt: now, failures: 0, reason: '', message: '', address } }
  }
  return nic
}

function asWaiting(nic: NicState, refusal: { reason: string; message: string }, now: Instant): NicState {
  const failures = failuresOf(nic.phase) + 1
  const { address } = nic.phase
  return {
    ...nic,
    phase: { type: 'waiting', retryAt: later(now, backoff(failures)), failures, address, ...refusal },
  }
}

function asStale(nic: NicState, message: string, now: Instant): NicState {
  const failures = failuresOf(nic.phase) + 1
  const { address } = nic.phase
  return {
    ...nic,
    phase: { type: 'stale', retryAt: later(now, backoff(failures)), failures, message, address },
  }
}

function failuresOf(phase: NicPhase): number {
  return 'failures' in phase ? phase.failures : 0
}

/** One wake for the earliest thing that is to be tried again. */
function scheduleWake(state: VmState, now: Instant, effects: VmEffect[]): VmState {
  const times = [...state.nics.values()].flatMap(({ phase }) => ('retryAt' in phase ? [phase.retryAt] : []))
  if (state.writeAfter !== undefined && state.writeAfter > now) times.push(state.writeAfter)
  if (times.length === 0) return state
  const at = Math.min(...times) as Instant
  if (state.wakeAt !== undefined && state.wakeAt <= at) return state
  effects.push({ type: 'wake', after: milliseconds(Math.max(between(now, at), 0)) })
  return { ...state, wakeAt: at }
}

/** 0.4 s, doubled with each failure, half a minute at most. */
function backoff(failures: number): Duration {
  return milliseconds(Math.min(200 * 2 ** Math.min(failures, 20), 30_000))
}

function withNic(state: VmState, key: NicKey, nic: NicState | undefined): VmState {
  const nics = new Map(state.nics)
  if (nic === undefined) nics.delete(key)
  else nics.set(key, nic)
  return { ...state, nics }
}

function configWritten(networks: readonly RequestedNetwork[]): VmEffect {
  const body = {
    networks: networks.map(({ macAddress, networkName, ipAddress }) => ({
      macAddress,
      network: networkName,
      pinnedAddress: ipAddress,
    })),
  }
  return { type: 'publish', event: { type: 'config-written', body } }
}

function pinOf(entry: RequestedNetwork): IPv4Address | undefined {
  try {
    return entry.ipAddress ? parseIPv4Address(entry.ipAddress) : undefined
  } catch {
    return undefined
  }
}

function ownerOf({ metadata }: VmNetworkConfig): Owner {
  const { namespace = '', name, uid = '', generation = 0 } = metadata
  return { namespace, name, uid, generation }
}
