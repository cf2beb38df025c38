import type { MacAddress } from '../../src/api/values/mac-address.ts'
import type { ObjectKey } from '../../src/api/values/object-key.ts'
import type { Instant } from '../../src/api/values/time.ts'
import type { NicKey, Observed } from './messages.ts'

/** What a vm actor holds, all of it derived: from the watches, and from what the pools answered since it started. */
export interface VmState {
  observed: Observed | undefined
  /** The uid of the object that the watch shows. */
  watchedUid: string | undefined
  /** The uid of the last object that the watch showed, and shows no more. */
  goneUid: string | undefined
  nics: ReadonlyMap<NicKey, NicState>
  /** The object (uid) whose status was read for addresses to remember: once a life, then the actor knows better. */
  rememberedFrom: string | undefined
  /** A write is under way: nothing is written, and no spec believed, before its outcome is there. */
  writing: boolean
  /** After a failed write: not before this time. */
  writeAfter: Instant | undefined
  writeFailures: number
  /** What is wrong with the VM's interfaces, as people were told last. */
  toldProblems: string
  /** That an interface waits for its MAC address: what is to be told of it, when, and whether it was. */
  hint: { text: string; at: Instant; told: boolean } | undefined
  nextAsk: number
  /** When a wake that was asked for comes. */
  wakeAt: Instant | undefined
}

/** One MAC on one network, from the first wish for an address until the address is given back. */
export interface NicState {
  mac: MacAddress
  network: ObjectKey
  /** How the object spells the network. */
  networkName: string
  phase: NicPhase
}

/** What an address was asked for with: when any of it changes, it is asked for again. */
export interface Wish {
  /** Of the VirtualMachineNetworkConfig. */
  ownerUid: string
  /** Undefined while no pool serves the network. */
  poolUid: string | undefined
  pinnedAddress: string | undefined
}

export type NicPhase =
  /** Not asked yet (then without a wish), or to be asked again at `retryAt`. */
  | {
      type: 'waiting'
      wish: Wish | undefined
      retryAt: Instant
      failures: number
      reason: string
      message: string
      address: string | undefined
    }
  /** `reason` is why it was refused before: the same refusal is not told twice. */
  | { type: 'asking'; wish: Wish; ask: number; failures: number; reason: string; address: string | undefined }
  | { type: 'allocated'; wish: Wish; address: string }
  /** No longer wanted; to be given back at `retryAt`. */
  | {
      type: 'stale'
      retryAt: Instant
      failures: number
      message: string | undefined
      address: string | undefined
    }
  | { type: 'returning'; ask: number; failures: number; address: string | undefined }

export function initialVmState(): VmState {
  return {
    observed: undefined,
    watchedUid: undefined,
    goneUid: undefined,
    nics: new Map(),
    rememberedFrom: undefined,
    writing: false,
    writeAfter: undefined,
    writeFailures: 0,
    toldProblems: '',
    hint: undefined,
    nextAsk: 1,
    wakeAt: undefined,
  }
}
