import type { IPPool } from '../../src/api/ippool.ts'
import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../src/api/values/mac-address.ts'
import type { ObjectKey } from '../../src/api/values/object-key.ts'
import type { Duration } from '../../src/api/values/time.ts'
import type { AgentDeployment } from './agent-pods.ts'
import type {
  AgentReport,
  AllocateReply,
  AllocateRequest,
  NudgeScope,
  Owner,
  PoolEvent,
  ReleaseReply,
  ReleaseRequest,
  SnapshotReply,
} from './contracts.ts'
import type { Rest } from './state.ts'

/** Names one waiting requester inside this process; the shell knows how to answer it. */
export type ReplyToken = number

/** What a pool actor is told. */
export type PoolMessage =
  /** As far as the watch knows: `asked`, the owner asks for just that; `contested`, several objects ask for the MAC. */
  | { type: 'allocate'; token: ReplyToken; request: AllocateRequest; asked: boolean; contested: boolean }
  | { type: 'release'; token: ReplyToken; request: ReleaseRequest }
  | { type: 'snapshot'; token: ReplyToken }
  | { type: 'agent-report'; token: ReplyToken; report: AgentReport }
  /** The watch showed a change of the agent's pods. */
  | { type: 'agent-deployment'; deployment: AgentDeployment | undefined }
  /** The watch showed a change of the IPPool: a hint to read it. */
  | { type: 'pool-changed'; resourceVersion: string | undefined }
  /** The watch showed a change of the network's NetworkAttachmentDefinition. */
  | { type: 'network-changed' }
  /** The outcome of a read: undefined when the IPPool does not exist. */
  | { type: 'pool-read'; pool: IPPool | undefined }
  | { type: 'pool-read-failed'; retryAfter?: Duration | undefined }
  | { type: 'commit-done'; pool: IPPool }
  /** `retryAfter`: not before, says the API server. */
  | { type: 'commit-failed'; cause: CommitFailure; reason: string; retryAfter?: Duration | undefined }
  | { type: 'demand-checked'; check: number; demand: Demand }
  | { type: 'demand-check-failed'; check: number; reason: string }
  /** `changesByOthers`: as the search was told. */
  | { type: 'orphans-found'; orphans: readonly Orphan[]; changesByOthers: number }
  /** Undefined when the API could not be asked. */
  | { type: 'registration-checked'; registration: Registration | undefined }
  /** The names that resolved. */
  | { type: 'ntp-resolved'; addresses: ReadonlyMap<string, readonly IPv4Address[]> }
  | { type: 'finalizers-written'; ok: boolean }
  | { type: 'tick' }

/**
 * conflict: the object changed; read and decide again. gone: it does not exist. refused: this write will never be
 * accepted. throttled: the API server had too much to do to look at it. unknown: no answer, so it may have taken effect.
 */
export type CommitFailure = 'conflict' | 'gone' | 'refused' | 'throttled' | 'unknown'

/** The current truth about one MAC on the pool's network, read from the API. */
export interface Demand {
  /** Whoever asked for the look is an object that is there. */
  ownerExists: boolean
  /** Somebody asks for an address for this MAC. */
  wanted: boolean
  /** The owner of the wish, when wanted. */
  owner: Owner | undefined
  pinnedAddress: IPv4Address | undefined
  /** False only when the VM and its instance are known to be gone. */
  clientMayRun: boolean
}

/** Who asked for a MAC last, as far as it is known. */
export interface Claim {
  /** Zero when nobody asked. */
  serial: number
  owner: Owner | undefined
}

/** A held address that nobody asks for. */
export interface Orphan {
  mac: MacAddress
  /** Who had asked for the MAC last when the search began: somebody else by now means that it is wanted again. */
  claim: number
}

/** How the pool stands with its NetworkAttachmentDefinition. */
export interface Registration {
  registered: boolean
  /** What an earlier pool of the network left behind. */
  resting?: readonly Rest[]
  reason?: string | undefined
  message?: string | undefined
}

/** What a pool actor wants done. */
export type PoolEffect =
  | { type: 'read-pool' }
  | { type: 'commit'; patch: Record<string, unknown> }
  | { type: 'reply-allocate'; token: ReplyToken; body: AllocateReply }
  | { type: 'reply-release'; token: ReplyToken; body: ReleaseReply }
  | { type: 'reply-snapshot'; token: ReplyToken; body: SnapshotReply }
  | { type: 'reply-report'; token: ReplyToken }
  | { type: 'check-demand'; check: number; mac: MacAddress; candidates: readonly Owner[] }
  | { type: 'find-orphans'; held: ReadonlyMap<MacAddress, Claim>; changesByOthers: number }
  /** `tidy`: another network may still carry the pool's labels. */
  | { type: 'check-registration'; tidy: boolean }
  | { type: 'add-finalizer' }
  | { type: 'unregister-and-remove-finalizer' }
  | { type: 'resolve-ntp'; names: readonly string[] }
  /** The pool changed: everybody on the network may ask again. */
  | { type: 'nudge-network'; network: ObjectKey; scope: NudgeScope }
  /** Of those who ask for one of these MACs and are not alone in that, only one may believe that it is theirs. */
  | { type: 'nudge-rivals'; network: ObjectKey; macs: readonly MacAddress[] }
  /** Addresses came free, or were taken away: these may ask again. */
  | { type: 'nudge-owners'; owners: readonly Owner[]; scope: NudgeScope }
  | { type: 'publish'; event: PoolEvent }
  | { type: 'record'; severity: 'Normal' | 'Warning'; reason: string; message: string }
