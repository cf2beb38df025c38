import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { Instant } from '../../src/api/values/time.ts'
import type { MessageType } from '../../src/dhcp/message-type.ts'

/** What others see of a client. */
export type ClientEvent =
  /** It did not have the address before. */
  | (Held & { readonly type: 'bound' })
  | (Held & { readonly type: 'renewed' })
  /** From this moment the address is not used any more. `expired` by udhcpc: up to 30 seconds before its lease is over. */
  | { readonly type: 'lost'; readonly address: IPv4Address; readonly why: LossReason }
  /** A server broke the protocol; what it said is not believed. */
  | { readonly type: 'complaint'; readonly text: string }
  | {
      readonly type: 'sent'
      readonly messageType: MessageType
      readonly xid: number
      readonly to: IPv4Address
      /** The address that it is about. */
      readonly address?: IPv4Address
    }
  | {
      readonly type: 'received'
      readonly messageType: MessageType | undefined
      readonly xid: number
      readonly address?: IPv4Address
      /** False: another transaction, or nothing that is waited for now. */
      readonly heeded: boolean
    }

interface Held {
  readonly address: IPv4Address
  readonly server: IPv4Address
  readonly leaseSeconds: number
  /** When the REQUEST was sent: RFC 2131 §4.4.1 counts the lease from then. */
  readonly since: Instant
  /** Infinite for a lease without end (RFC 2131 §3.3). */
  readonly until: Instant
}

export type LossReason = 'expired' | 'nak' | 'released' | 'stopped' | 'disowned'
