import { isDeepStrictEqual } from 'node:util'
import { formatIPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import type { Instant } from '../../src/api/values/time.ts'
import type { RequestedNetwork, VmNetworkConfig } from '../../src/api/vm-network-config.ts'
import type { Owner } from '../pool/contracts.ts'
import { asWaiting, withNic } from './answers.ts'
import type { NicKey, VmEffect } from './messages.ts'
import type { NicState, VmState, Wish } from './state.ts'

/** One step for one NIC: ask, ask again, or give back. */
export function pursue(
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

  const pool = state.observed?.pools.get(formatObjectKey(nic.network))
  const owner = ownerOf(config)
  const pinnedAddress = pinOf(wanted)
  const wish: Wish = { ownerUid: owner.uid, poolUid: pool?.uid, pinnedAddress }
  if (isGranted(nic, wish)) return state
  const isSameWish = phase.type === 'waiting' && isDeepStrictEqual(phase.wish, wish)
  if (isSameWish && phase.retryAt > now) return state
  const { failures, reason } = isSameWish ? phase : { failures: 0, reason: '' }
  const asking: NicState = {
    ...nic,
    phase: { type: 'asking', wish, ask: state.nextAsk, failures, reason, address: phase.address },
  }
  if (pool === undefined) {
    const network = formatObjectKey(nic.network)
    const message = `no IPPool serves the network ${network}; create one with spec.networkName ${network}`
    return withNic(state, key, asWaiting(asking, wish, { reason: 'NoPool', message }, now))
  }
  const request = {
    macAddress: nic.mac,
    owner,
    ...(pinnedAddress === undefined ? {} : { pinnedAddress }),
    ...(phase.address === undefined ? {} : { hint: phase.address }),
  }
  effects.push({ type: 'allocate', nic: key, ask: state.nextAsk, pool, request })
  return { ...withNic(state, key, asking), nextAsk: state.nextAsk + 1 }
}

/** A pin that was taken away leaves the address where it is. */
function isGranted({ phase }: NicState, wish: Wish): boolean {
  if (phase.type !== 'allocated') return false
  const { ownerUid, poolUid } = phase.wish
  const isPinKept = wish.pinnedAddress === undefined || wish.pinnedAddress === phase.address
  return isPinKept && ownerUid === wish.ownerUid && poolUid === wish.poolUid
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
  const request = { macAddress: nic.mac, owner: ownerOf(config) }
  effects.push({ type: 'release', nic: key, ask, pool, request })
  const failures = phase.type === 'stale' ? phase.failures : 0
  const returning: NicState = { ...nic, phase: { type: 'returning', ask, failures, address: phase.address } }
  return { ...withNic(state, key, returning), nextAsk: ask + 1 }
}

/** In canonical form; what is no address pins nothing. */
function pinOf({ ipAddress }: RequestedNetwork): string | undefined {
  return ipAddress ? readAddress(ipAddress) : undefined
}

export function readAddress(text: string): string | undefined {
  try {
    return formatIPv4Address(parseIPv4Address(text))
  } catch {
    return undefined
  }
}

function ownerOf({ metadata }: VmNetworkConfig): Owner {
  const { namespace = '', name, uid = '', generation = 0 } = metadata
  return { namespace, name, uid, generation }
}
