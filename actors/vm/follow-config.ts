import type { Instant } from '../../src/api/values/time.ts'
import {
  networkStatuses,
  type RequestedNetwork,
  requestedNetworks,
  VM_NETWORK_CONFIG_FINALIZER,
  type VmNetworkConfig,
} from '../../src/api/vm-network-config.ts'
import { scheduleWake } from './backoff.ts'
import type { NicKey, VmEffect } from './messages.ts'
import { readNic } from './nic-key.ts'
import { pursue, readAddress } from './pursue.ts'
import type { NicState, VmState } from './state.ts'
import { statusPatch } from './status.ts'

/** The object says what is wanted: ask the pools for it, give back the rest, and tell in the status how it went. */
export function followConfig(
  state: VmState,
  config: VmNetworkConfig,
  now: Instant,
  effects: VmEffect[],
): VmState {
  const isDeleting = config.metadata.deletionTimestamp !== undefined
  const wanted = isDeleting || config.spec.paused ? new Map<NicKey, RequestedNetwork>() : wantedNics(config)
  const nics = new Map(state.nics)
  // Only once: what was given back since is not given back again because the status is still to be written.
  if (state.rememberedFrom !== config.metadata.uid) addRemembered(nics, config, now)
  for (const entry of wanted.values()) addNic(nics, config, entry, undefined, now)

  let next: VmState = { ...state, nics, rememberedFrom: config.metadata.uid }
  for (const [key, nic] of nics) next = pursue(next, config, key, nic, wanted.get(key), now, effects)

  if (isDeleting)
    return next.nics.size === 0 ? letGo(next, config, effects) : scheduleWake(next, now, effects)
  // While answers are due the status would be out of date as soon as it is written.
  const isAsking = [...next.nics.values()].some(
    ({ phase }) => phase.type === 'asking' || phase.type === 'returning',
  )
  const patch = isAsking ? undefined : statusPatch(config, next.nics, now)
  if (patch === undefined) return scheduleWake(next, now, effects)
  effects.push({ type: 'write-status', patch })
  return { ...next, writing: true }
}

function letGo(state: VmState, config: VmNetworkConfig, effects: VmEffect[]): VmState {
  const { finalizers = [], resourceVersion } = config.metadata
  if (!finalizers.includes(VM_NETWORK_CONFIG_FINALIZER)) return state
  const rest = finalizers.filter((finalizer) => finalizer !== VM_NETWORK_CONFIG_FINALIZER)
  effects.push({ type: 'patch-config', patch: { metadata: { resourceVersion, finalizers: rest } } })
  return { ...state, writing: true }
}

function wantedNics(config: VmNetworkConfig): Map<NicKey, RequestedNetwork> {
  const wanted = new Map<NicKey, RequestedNetwork>()
  for (const entry of requestedNetworks(config)) {
    const nic = readNic(entry, config.metadata.namespace ?? '')
    if (nic !== undefined && !wanted.has(nic.key)) wanted.set(nic.key, entry)
  }
  return wanted
}

/**
 * What an earlier life of this actor may hold: what the status says, and also what the spec asks for, since that life
 * may have ended between the grant and the status. An address in the status that is none was put there by hand.
 */
function addRemembered(nics: Map<NicKey, NicState>, config: VmNetworkConfig, now: Instant): void {
  for (const entry of networkStatuses(config)) {
    const address = readAddress(entry.allocatedIPAddress ?? '')
    if (address !== undefined || entry.state === 'Stale') addNic(nics, config, entry, address, now)
  }
  for (const entry of requestedNetworks(config)) addNic(nics, config, entry, undefined, now)
}

function addNic(
  nics: Map<NicKey, NicState>,
  config: VmNetworkConfig,
  entry: { macAddress: string; networkName: string },
  address: string | undefined,
  now: Instant,
): void {
  const nic = readNic(entry, config.metadata.namespace ?? '')
  if (nic === undefined || nics.has(nic.key)) return
  const { key, mac, network } = nic
  nics.set(key, {
    mac,
    network,
    networkName: entry.networkName,
    phase: { type: 'waiting', wish: undefined, retryAt: now, failures: 0, reason: '', message: '', address },
  })
}
