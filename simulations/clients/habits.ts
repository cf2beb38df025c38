import { type Duration, minutes, seconds } from '../../src/api/values/time.ts'

/** How a program behaves where RFC 2131 leaves a choice, or where it takes one. */
export interface ClientHabits {
  readonly program: string
  /** Keeps its lease on disk, and while that is not over begins by asking for it, for so long; undefined: never. */
  readonly rebootFor: Duration | undefined
  /** RFC 2131 §4.1: replies are to be broadcast. */
  readonly broadcastFlag: boolean
  /** RFC 2132 §9.14; `duid` as in RFC 4361 §6.1. */
  readonly clientIdentifier: 'none' | 'ethernet' | 'duid-ll' | 'duid-en'
  /** Option codes, in its order. */
  readonly asksFor: readonly number[]
  /** RFC 2132 §9.10. */
  readonly maxMessageSize?: number
  /** Its DISCOVER names the address that it had last, as a wish, unless that was refused. */
  readonly wishesLastAddress: boolean
  /** Begins up to so much later, by chance: RFC 2131 §4.4.1. */
  readonly startsWithin: Duration
  readonly discover: DiscoverRetries
  /** Without an answer to its REQUEST it begins anew after so long. */
  readonly requestFor: Duration
  /** From a REQUEST that nobody answered to the next DISCOVER. */
  readonly pauseAfterSilence: Duration
  /** From a NAK to the next DISCOVER; twice as long after each further NAK in a row. */
  readonly pauseAfterNak: { readonly first: Duration; readonly longest: Duration }
  /**
   * `half`: RFC 2131 §4.4.5, half of the time that is left, but at least a minute. `backoff`: as for DISCOVER.
   * `udhcpc`: not by the server's T1 and T2; one try at half of the lease, then bound again for half of what is left; when
   * that is 30 seconds or less it broadcasts thrice and gives the address up.
   */
  readonly renewal: 'half' | 'backoff' | 'udhcpc'
  /** When its guest is shut down it gives its address back. `sometimes`: in some guests, as they were set up. */
  readonly releases: 'never' | 'sometimes' | 'always'
}

export type DiscoverRetries =
  | { readonly kind: 'constant'; readonly every: Duration; readonly times: number; readonly pause: Duration }
  /** RFC 2131 §4.1: twice as long each time, give or take a second. */
  | { readonly kind: 'backoff'; readonly first: Duration; readonly longest: Duration }

const RFC_BACKOFF: DiscoverRetries = { kind: 'backoff', first: seconds(4), longest: seconds(64) }

/**
 * BusyBox 1.35, networking/udhcp/dhcpc.c, with its defaults (-t 3 -T 3 -A 20). Left out: it makes a lease of less than 30
 * seconds 30 seconds long, and so uses the address when it is not its own any more.
 */
const udhcpc: ClientHabits = {
  program: 'udhcpc',
  rebootFor: undefined,
  broadcastFlag: false,
  clientIdentifier: 'ethernet',
  asksFor: [1, 3, 6, 12, 15, 28, 42],
  maxMessageSize: 576,
  wishesLastAddress: true,
  startsWithin: seconds(0),
  discover: { kind: 'constant', every: seconds(3), times: 3, pause: seconds(20) },
  requestFor: seconds(9),
  pauseAfterSilence: seconds(20),
  pauseAfterNak: { first: seconds(3), longest: seconds(3) },
  renewal: 'udhcpc',
  /** With -R. */
  releases: 'sometimes',
}

/**
 * The DHCP clients of VM guests. They differ from the real ones in one more thing: those but dhcpcd keep one transaction
 * ID for ever, and so take a late copy of their last ACK for the answer to a renewal. Here each renewal has its own.
 */
export const HABITS = {
  udhcpc,
  /** `udhcpc -B`. */
  udhcpcBroadcast: { ...udhcpc, program: 'udhcpc -B', broadcastFlag: true },
  /**
   * ISC 4.4, client/dhclient.c. After a NAK the real one starts anew at once: a second keeps a quarrel of two servers
   * from filling a simulation. Left out: after a minute without an offer it pauses for five, or uses a lease that it
   * remembers without having it confirmed.
   */
  dhclient: {
    program: 'dhclient',
    rebootFor: seconds(10),
    broadcastFlag: false,
    clientIdentifier: 'none',
    asksFor: [1, 28, 2, 3, 15, 6, 12],
    wishesLastAddress: true,
    startsWithin: seconds(0),
    discover: RFC_BACKOFF,
    requestFor: seconds(10),
    pauseAfterSilence: seconds(0),
    pauseAfterNak: { first: seconds(1), longest: seconds(1) },
    renewal: 'backoff',
    /** Debian's ifdown calls `dhclient -r`; with other scripts it is killed. */
    releases: 'sometimes',
  },
  /** dhcpcd 9.4, src/dhcp.c, with the `duid` of its default configuration. */
  dhcpcd: {
    program: 'dhcpcd',
    rebootFor: seconds(5),
    broadcastFlag: false,
    clientIdentifier: 'duid-ll',
    asksFor: [1, 3, 6, 12, 15, 26, 28, 33, 42, 51, 58, 59, 119],
    maxMessageSize: 1472,
    wishesLastAddress: false,
    startsWithin: seconds(1),
    discover: RFC_BACKOFF,
    requestFor: seconds(60),
    pauseAfterSilence: seconds(0),
    pauseAfterNak: { first: seconds(1), longest: seconds(60) },
    renewal: 'backoff',
    releases: 'never',
  },
  /** systemd-networkd, src/libsystemd-network/sd-dhcp-client.c. It keeps its lease in /run, which no reboot survives. */
  networkd: {
    program: 'systemd-networkd',
    rebootFor: undefined,
    broadcastFlag: false,
    clientIdentifier: 'duid-en',
    asksFor: [1, 3, 6, 12, 15, 26, 42, 119, 121],
    wishesLastAddress: true,
    startsWithin: seconds(0),
    discover: RFC_BACKOFF,
    requestFor: seconds(124),
    pauseAfterSilence: seconds(0),
    pauseAfterNak: { first: seconds(1), longest: minutes(30) },
    renewal: 'half',
    /** SendRelease= is on where nobody turns it off. */
    releases: 'always',
  },
} as const satisfies Record<string, ClientHabits>
