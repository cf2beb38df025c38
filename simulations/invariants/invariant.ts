import type { KubeObject } from '../../src/api/object.ts'
import type { DhcpPacket } from '../../src/dhcp/packet.ts'
import type { Leg } from '../../transports/messages/simulated-network.ts'
import type { ClientEvent } from '../clients/events.ts'
import type { CommittedChange } from '../world/api-server.ts'
import type { RunningClient } from '../world/guests.ts'
import type { LoggedError } from '../world/process-log.ts'
import type { PoolChange } from './pool-history.ts'

/** A packet that a server sent. */
export interface SentReply {
  /** `agent-lan-1` */
  readonly agent: string
  readonly network: string
  readonly packet: DhcpPacket
}

/** What of the world an invariant may look at, and how it tells that it does not hold. */
export interface Witness {
  /** Milliseconds of true time since the simulation began. */
  now(): number
  clients(): readonly RunningClient[]
  /** @param law in a few words, the same for the same fault */
  violated(law: string, message: string, about: readonly string[]): void
}

/** One law of the design, as something that watches. */
export interface Invariant {
  committed?(change: CommittedChange): void
  /** After `committed`: the same, when it was about an IPPool. */
  poolChanged?(change: PoolChange): void
  /** A process heard from the API how an IPPool stands. */
  heardOfPool?(process: string, pool: KubeObject): void
  client?(client: RunningClient, event: ClientEvent): void
  replied?(reply: SentReply): void
  /** A message left for a process, whether it arrives or not. */
  messaged?(message: Leg): void
  logged?(error: LoggedError): void
  /** All is healed for long enough: what must come true has. */
  quiet?(): void
}
