import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { DhcpPacket } from '../../src/dhcp/packet.ts'
import type { ClientEvent } from './events.ts'
import type { ClientState, RememberedLease } from './state.ts'

/** What chance says, drawn before the decision, so that the decision is a function. */
export interface Drawn {
  readonly xid: number
  /** Uniform in [0, 1). */
  readonly fraction: number
}

export type ClientMessage =
  /** Time has come for something. */
  | { readonly type: 'tick'; readonly drawn: Drawn }
  /** `packet` is a BOOTREPLY that carries the client's own MAC address. */
  | { readonly type: 'reply'; readonly packet: DhcpPacket; readonly drawn: Drawn }
  | { readonly type: 'release'; readonly drawn: Drawn }
  /** After a release: begins anew. */
  | { readonly type: 'restart'; readonly drawn: Drawn }
  /** The power is cut. */
  | { readonly type: 'stop' }

export type ClientEffect =
  | {
      readonly type: 'send'
      readonly packet: DhcpPacket
      readonly from: IPv4Address
      readonly to: IPv4Address
    }
  /** The address of the interface from now on. */
  | { readonly type: 'use'; readonly address: IPv4Address | undefined }
  | { readonly type: 'remember'; readonly lease: RememberedLease | undefined }
  | { readonly type: 'tell'; readonly event: ClientEvent }

export interface ClientDecision {
  readonly state: ClientState
  readonly effects: readonly ClientEffect[]
}
