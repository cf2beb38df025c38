import type { IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'

/**
 * - `acked`: it heard an ACK, of a new lease or of one that goes on
 * - `nak`: it was told not to use the address
 * - `expired`: its lease ran out, and it gave the address up
 * - `released`: it gave the lease back (DHCPRELEASE)
 * - `gone`: the machine was taken away; it uses nothing any more
 */
export type ClientEventType = 'acked' | 'nak' | 'expired' | 'released' | 'gone'

/** What a DHCP client saw or did. */
export interface ClientEvent {
  readonly type: ClientEventType
  /** Its name, for people. */
  readonly client: string
  readonly mac: MacAddress
  readonly address: IPv4Address
  /** Milliseconds on the machine's monotonic clock, which all clients share. */
  readonly at: number
  /** Of an ACK. */
  readonly leaseSeconds?: number
}

/** What one operation on a pool was answered; `unknown` when nobody heard: it may have taken effect, and still may. */
export type AllocateOutcome =
  | { readonly type: 'address'; readonly address: IPv4Address }
  | { readonly type: 'refused' }
  | { readonly type: 'unknown' }
export type ReleaseOutcome = { readonly type: 'released' } | { readonly type: 'unknown' }

interface OperationBase {
  readonly mac: MacAddress
  /** When it was asked for, on the same clock as the events. */
  readonly invokedAt: number
  /** When the answer was there; counts only when there was one. */
  readonly respondedAt: number
}

/** A MAC asks for an address, or gives back what it has. */
export type PoolOperation =
  | (OperationBase & { readonly type: 'allocate'; readonly outcome: AllocateOutcome })
  | (OperationBase & { readonly type: 'release'; readonly outcome: ReleaseOutcome })

export function describeTime(at: number): string {
  return Number.isFinite(at) ? `${(at / 1000).toFixed(3)} s` : 'never'
}
