import type { IPPool, IPPoolSpec } from '../../src/api/ippool.ts'
import type { PoolConfiguration } from '../../src/api/pool-configuration.ts'
import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../src/api/values/mac-address.ts'
import type { ObjectKey } from '../../src/api/values/object-key.ts'
import { type Instant, later, minutes } from '../../src/api/values/time.ts'
import type { Allocator } from '../../src/ipam/allocator.ts'
import type { AgentDeployment, KnownAgent } from './agent-pods.ts'
import type { AllocateRequest, Owner, ReleaseRequest } from './contracts.ts'
import type { PoolEffect, Registration, ReplyToken } from './messages.ts'
import type { Remains } from './remains.ts'

/**
 * What a pool actor holds: all of it derived from the IPPool and thrown away with the actor. The allocator runs
 * ahead of `pool` by what is in flight, and is rebuilt from the API's truth whenever a write fails.
 * The big tables (book, pending, checks, claims, refused, freed) belong to the actor and change in place.
 */
export interface PoolState {
  /** As last read or written; undefined before the first read and after the object is gone. */
  pool: IPPool | undefined
  /** Undefined until the pool was read, and while nothing can be made of its spec. */
  book: Book | undefined
  /** As in the book, which is thrown away more often. */
  longerLeasesEnd: Instant
  /** Leases that somebody took out of the status, by hand or with an older copy of it. As in the book. */
  forgotten: readonly Rest[]
  /** Of the pool that served the network before this one. */
  remains: Remains | undefined
  /** Of addresses that a write freed later than it was decided: until when they must rest, whatever the status says yet. */
  longerRests: ReadonlyMap<IPv4Address, Instant>
  /** What is wrong with the spec: nothing new is allocated until it is put right. */
  invalid: string | undefined
  /** The spec that is gone by: the last valid one that is known. */
  servedSpec: IPPoolSpec | undefined
  /** The network that the book is for. */
  network: ObjectKey | undefined
  /** Requests that wait for the next batch. */
  pending: PendingRequest[]
  /** Answers that leave when the write under way is known to be done (law 2). */
  inFlight: InFlight | undefined
  /** A read is under way: nothing is decided until its outcome is there. */
  reading: boolean
  /** How many reads and writes of the IPPool were begun; and the last of them whose outcome is what is known now. */
  looks: number
  seenBy: number
  /** A version that the watch spoke of during the read: the read may have come too early to see it. */
  changedWhileReading: string | undefined
  /** Something changed that the status may not say yet. */
  dirty: boolean
  /**
   * A write without an answer may still land, this actor's own or the last one of the actor before it, a leader that
   * was stopped say. Nothing is answered before another write has overtaken it: the API server refuses it then. So each
   * term of a pool's actor begins with a write.
   */
  fence: boolean
  /** How often the IPPool was found changed by somebody else: what was looked up before that may be out of date. */
  changesByOthers: number
  /** Finalizers are being written, or were not: when to try again. */
  finalizers: { busy: boolean; at: Instant; failures: number }
  startedAt: Instant
  /** When time last passed as it should, second by second. */
  awakeAt: Instant
  /** What is known is out of date: when to read next, and how often that failed. */
  readRetry: { at: Instant; failures: number } | undefined
  /** Resource versions that were read or written, whose echoes on the watch are still to come and say nothing new. */
  seenVersions: readonly string[]
  /** The latest that the watch spoke of. */
  watchedVersion: string | undefined
  registration: Registration | undefined
  /** The network is being labelled. */
  registering: boolean
  /** The network was edited while it was being labelled: what comes of that is about another one. */
  registrationOutdated: boolean
  /** Nothing is given before the network was looked at. */
  registrationDue: boolean
  /** Another network may still carry this pool's labels. */
  labelsDue: boolean
  agent: KnownAgent | undefined
  /** Undefined where agents are no pods. */
  deployment: AgentDeployment | undefined
  /** What the names in `spec.ipv4Config.ntp` stand for, as far as they were resolved. */
  ntp: ReadonlyMap<string, readonly IPv4Address[]>
  /** Releases and changes of address whose owner's wish is being read. */
  checks: Map<number, DemandCheck>
  nextCheck: number
  /** Releases under check, by MAC and owner: one look at the API serves all that ask for the same. */
  releaseChecks: Map<string, number>
  /** Who asked for each MAC last, and as the how-manieth request of this actor's life. */
  claims: Map<MacAddress, Claim>
  nextClaim: number
  /** Who was refused and has not been given an address since, the longest wait first. */
  refused: Map<MacAddress, Refused>
  /** Addresses that came free since the last write. */
  freed: IPv4Address[]
  nextSweep: Instant
  nextResolve: Instant
  nextRegistrationCheck: Instant
}

/** The allocator with what it does not know: the configuration it was made from and when rests end. */
export interface Book {
  configuration: PoolConfiguration
  allocator: Allocator
  restingUntil: Map<IPv4Address, Instant>
  /** Leases from before an edit that made them shorter have run out by then. */
  longerLeasesEnd: Instant
}

/** An address that may still be used by a MAC that holds it no more. */
export interface Rest {
  address: IPv4Address
  mac: MacAddress
  until: Instant
}

export interface Claim {
  owner: Owner
  serial: number
}

export interface Refused {
  owner: Owner
  reason: string
  pinnedAddress: string | undefined
  at: Instant
}

export type PendingRequest = (
  | {
      type: 'allocate'
      token: ReplyToken
      request: AllocateRequest
      /** Who asked for the MAC before. */
      previousOwner: Owner | undefined
      /** The owner asks for just this, as far as the watch knows. */
      asked: boolean
      /** Several objects ask for the MAC, as far as the watch knows. */
      contested: boolean
      /** The API said that the owner wants just this, when this was the last claim on the MAC. */
      verifiedAt: number | undefined
      /** The looks at the IPPool that were begun before it came. */
      looksBefore: number
    }
  /** `token` is undefined for what the pool found out by itself. */
  | { type: 'release'; token: ReplyToken | undefined; mac: MacAddress; claim: number; clientMayRun: boolean }
) & { since: Instant }

export type DemandCheck = (
  | { type: 'allocate'; token: ReplyToken; request: AllocateRequest }
  /** Everybody who asked for the same meanwhile; nobody any more when they gave up. */
  | { type: 'release'; tokens: ReplyToken[]; request: ReleaseRequest }
) & { mac: MacAddress; claim: number; since: Instant }

export interface InFlight {
  /** Replies and events, in order. */
  effects: readonly PoolEffect[]
  /** To decide again when the write fails. */
  requests: readonly PendingRequest[]
  previousRevision: number
  /** When it is done, no earlier write can land any more. */
  fences: boolean
  /** Address to MAC, or null: what the write changes for agents. */
  changes: Record<string, string | null>
  freed: readonly IPv4Address[]
}

export const SWEEP_INTERVAL = minutes(1)

export function initialPoolState(now: Instant, remains?: Remains): PoolState {
  return {
    pool: undefined,
    book: undefined,
    longerLeasesEnd: now,
    forgotten: [],
    remains,
    longerRests: new Map(),
    invalid: undefined,
    servedSpec: undefined,
    network: undefined,
    pending: [],
    inFlight: undefined,
    reading: false,
    looks: 0,
    seenBy: 0,
    changedWhileReading: undefined,
    dirty: true,
    fence: true,
    changesByOthers: 0,
    finalizers: { busy: false, at: now, failures: 0 },
    startedAt: now,
    awakeAt: now,
    readRetry: { at: now, failures: 0 },
    seenVersions: [],
    watchedVersion: undefined,
    registration: undefined,
    registering: false,
    registrationOutdated: false,
    registrationDue: false,
    labelsDue: true,
    agent: undefined,
    deployment: undefined,
    ntp: new Map(),
    checks: new Map(),
    nextCheck: 1,
    releaseChecks: new Map(),
    claims: new Map(),
    nextClaim: 1,
    refused: new Map(),
    freed: [],
    nextSweep: later(now, SWEEP_INTERVAL),
    nextResolve: now,
    nextRegistrationCheck: now,
  }
}
