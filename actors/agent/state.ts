import type { PoolConfiguration } from '../../src/api/pool-configuration.ts'
import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../src/api/values/mac-address.ts'
import type { Instant } from '../../src/api/values/time.ts'
import type { PreparedNetwork } from '../../src/dhcp/network.ts'
import type { InterfaceProblem } from '../../src/network/interface-state.ts'
import type { AgentReport, PoolSnapshot } from '../pool/contracts.ts'
import type { LeftBehind } from './left-behind.ts'
import type { SnapshotSource } from './messages.ts'

/** How the agent is doing, but for where it runs. */
export type AgentStanding = Omit<AgentReport, 'pod'>

/** What an agent actor holds: a copy of what the IPPool says, at one revision. */
export interface AgentState {
  /** Undefined until anything was learned. */
  table: LeaseTable | undefined
  /** Of the pool that was served before. */
  left: LeftBehind | undefined
  /** The pool's actor was asked, or is to be asked, for a snapshot. */
  snapshotAsk: { at: Instant; failures: number } | undefined
  /** What is known was only told by a message, or something older was told since: the API is to be read at. */
  doubtAt: Instant | undefined
  /** What was known when the API was asked last: an answer may set back that, nothing that was learned since. */
  readSince: { uid: string; revision: number } | undefined
  reported: { at: Instant; report: AgentStanding; taken: boolean } | undefined
  /** Why the latest spec is not served, but the one before. */
  unservable: string | undefined
  /** What is wrong with the interface. */
  interfaceProblem: InterfaceProblem | undefined
}

/** The lease table. Its maps belong to the actor and change in place; `snapshot.leases` is not kept up to date. */
export interface LeaseTable {
  snapshot: Omit<PoolSnapshot, 'leases'>
  source: SnapshotSource
  configuration: PoolConfiguration
  network: PreparedNetwork
  addresses: Map<MacAddress, IPv4Address>
  macs: Map<IPv4Address, MacAddress>
  /** MACs that had an address here and lost it: they are told so. Bounded. */
  revoked: Set<MacAddress>
  /** Until when the last ACK for each address counts. */
  acknowledged: Map<IPv4Address, Instant>
  /** Of addresses that came free: whose they were, and until when the last ACK counts. It counts again if they come back. */
  freed: Map<IPv4Address, { mac: MacAddress; until: Instant }>
  /** Addresses that passed from one MAC to another in one step, or were forgotten, while the lease of the first still runs. */
  outstanding: Map<IPv4Address, { mac: MacAddress; until: Instant }>
}
