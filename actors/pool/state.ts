import type { IPPool } from '../../src/api/ippool.ts'
import type { PoolConfiguration } from '../../src/api/pool-configuration.ts'
import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../src/api/values/mac-address.ts'
import type { Instant } from '../../src/api/values/time.ts'
import type { Allocator } from '../../src/ipam/allocator.ts'
import type { AgentReport, AllocateRequest, Owner, ReleaseRequest } from './contracts.ts'
import type { PoolEffect, Registration, ReplyToken } from './messages.ts'

/**
 * What a pool actor holds: all of it derived from the IPPool and thrown away with the actor. The allocator runs
 * ahead of `pool` by what is in flight, and is rebuilt from the API's truth whenever a write fails.
 */
export interface PoolState {
  /** As last read or written; undefined before the first read and after the object is gone. */
  pool: IPPool | undefined
  /** Undefined until the pool was read, and while its spec is invalid. */
  book: Book | undefined
  /** Why there is no book although there is a pool. */
  invalid: string | undefined
  /** Requests that wait for the next batch. */
  pending: PendingRequest[]
  /** Answers that leave when the write under way is known to be done (law 2). */
  inFlight: InFlight | undefined
  /** A read is under way: nothing is decided until its outcome is there. */
  reading: boolean
  /** Something changed that the status may not say yet. */
  dirty: boolean
  /** The last finalizer is being taken off. */
  finalizing: boolean
  startedAt: Instant
  /** What is known is out of date: when to read next, and how often that failed. */
  readRetry: { at: Instant; failures: number } | undefined
  /** Resource versions of our own writes, whose echoes on the watch say nothing new. */
  ownVersions: readonly string[]
  registration: Registration | undefined
  agent: { report: AgentReport; at: Instant } | undefined
  ntpServers: readonly IPv4Address[] | undefined
  /** Releases and changes of address whose owner's wish is being read. */
  checks: Map<number, DemandCheck>
  nextCheck: number
  /** Who asked for each MAC last, and how often it was asked for, since this actor started. */
  claims: Map<MacAddress, { owner: Owner; count: number }>
  nextSweep: Instant
  nextResolve: Instant
  nextRegistrationCheck: Instant
}

/** The allocator with what it does not know: the configuration it was made from and when rests end. */
export interface Book {
  configuration: PoolConfiguration
  allocator: Allocator
  restingUntil: Map<IPv4Address, Instant>
}

export type PendingRequest = (
  | {
      type: 'allocate'
      token: ReplyToken
      request: AllocateRequest
      /** Who asked for the MAC before. */
      previousOwner: Owner | undefined
      /** The API was asked whether the owner wants just this. */
      verified: boolean
    }
  /** `token` is undefined for what the pool found out by itself. */
  | { type: 'release'; token: ReplyToken | undefined; mac: MacAddress; claims: number; clientMayRun: boolean }
) & { since: Instant }

export type DemandCheck = (
  | { type: 'allocate'; token: ReplyToken; request: AllocateRequest }
  | { type: 'release'; token: ReplyToken; request: ReleaseRequest }
) & { mac: MacAddress; claims: number; since: Instant }

export interface InFlight {
  /** Replies and events, in order. */
  effects: readonly PoolEffect[]
  /** To decide again when the write fails. */
  requests: readonly PendingRequest[]
  previousRevision: number
  /** What the watch showed meanwhile: the write's own echo comes before the answer as often as after it. */
  seenVersion: string | undefined
  /** Address to MAC, or null: what the write changes for agents. */
  changes: Record<string, string | null>
  freed: boolean
}
