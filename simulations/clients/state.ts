import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../src/api/values/mac-address.ts'
import { type Instant, toInstant } from '../../src/api/values/time.ts'
import type { ClientHabits } from './habits.ts'
import type { LeaseTimes } from './timing.ts'

/** What a client believes to hold. */
export interface HeldLease extends LeaseTimes {
  readonly address: IPv4Address
  readonly server: IPv4Address
  readonly leaseSeconds: number
  /** When the REQUEST that was acknowledged was sent: from then on the lease counts (RFC 2131 §4.4.1). */
  readonly since: Instant
  readonly acknowledgedAt: Instant
}

/** What a guest's disk keeps of a lease. */
export interface RememberedLease {
  readonly address: IPv4Address
  readonly expiresAt: Instant
}

/** Questions that wait for one answer. */
export interface Exchange {
  /** When the client began to want an address, or to renew it. */
  readonly startedAt: Instant
  /** The last few transactions, each with the moment in which it was sent first. */
  readonly sent: readonly { readonly xid: number; readonly at: Instant }[]
  readonly attempts: number
  readonly nextAt: Instant
}

/** RFC 2131 §4.4, figure 5. `RELEASED` and `STOPPED` are outside of it: no client runs. */
export type Phase =
  | { readonly name: 'INIT'; readonly startAt: Instant; readonly wish: IPv4Address | undefined }
  | { readonly name: 'INIT-REBOOT'; readonly startAt: Instant; readonly remembered: RememberedLease }
  | { readonly name: 'SELECTING'; readonly exchange: Exchange; readonly wish: IPv4Address | undefined }
  | {
      readonly name: 'REQUESTING'
      readonly exchange: Exchange
      readonly giveUpAt: Instant
      readonly address: IPv4Address
      readonly server: IPv4Address
    }
  | {
      readonly name: 'REBOOTING'
      readonly exchange: Exchange
      readonly giveUpAt: Instant
      readonly address: IPv4Address
    }
  | { readonly name: 'BOUND'; readonly lease: HeldLease; readonly renewAt: Instant }
  | { readonly name: 'RENEWING' | 'REBINDING'; readonly lease: HeldLease; readonly exchange: Exchange }
  | { readonly name: 'RELEASED' | 'STOPPED' }

export interface ClientState {
  readonly mac: MacAddress
  readonly habits: ClientHabits
  readonly phase: Phase
  /** NAKs in a row. */
  readonly naks: number
}

/** Phases in which an answer is waited for. */
export type AskingPhase = Extract<Phase, { readonly exchange: Exchange }>

const NEVER = toInstant(Number.POSITIVE_INFINITY)

export function leaseOf({ phase }: ClientState): HeldLease | undefined {
  return 'lease' in phase ? phase.lease : undefined
}

/** When the client has something to do by itself; infinite when never. */
export function wakeAt({ phase }: ClientState): Instant {
  switch (phase.name) {
    case 'INIT':
    case 'INIT-REBOOT':
      return phase.startAt
    case 'SELECTING':
      return phase.exchange.nextAt
    case 'REQUESTING':
    case 'REBOOTING':
      return earliest(phase.exchange.nextAt, phase.giveUpAt)
    case 'BOUND':
      return earliest(phase.renewAt, phase.lease.expiresAt)
    case 'RENEWING':
      return earliest(phase.exchange.nextAt, phase.lease.rebindAt, phase.lease.expiresAt)
    case 'REBINDING':
      return earliest(phase.exchange.nextAt, phase.lease.expiresAt)
    case 'RELEASED':
    case 'STOPPED':
      return NEVER
  }
}

function earliest(...instants: readonly Instant[]): Instant {
  return toInstant(Math.min(...instants))
}
