import type { IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import type { HookEvent } from '../../../src/lab/clients/hook.ts'
import { type ClientLease, ISC_NAMES, readLease } from '../../../src/lab/clients/lease.ts'
import type { ClientKind } from '../../../src/lab/clients/program.ts'
import { udhcpc } from '../../../src/lab/clients/udhcpc.ts'
import type { ClientEvent, ClientEventType } from '../history/events.ts'
import type { Outdated } from './machines.ts'

/** What the script calls of udhcpc, dhclient and dhcpcd mean. Without a lease the last of them mean nothing. */
const MEANINGS: Record<string, ClientEventType> = {
  ...{ bound: 'acked', renew: 'acked', BOUND: 'acked', REBOOT: 'acked', RENEW: 'acked', REBIND: 'acked' },
  ...{ nak: 'nak', NAK: 'nak' },
  ...{ deconfig: 'expired', EXPIRE: 'expired', FAIL: 'expired' },
  ...{ RELEASE: 'released' },
}

/** The history of everything that real DHCP clients told their scripts. */
export interface Recorder {
  readonly events: readonly ClientEvent[]
  /** The same without what could not be helped. It counts when two hold an address, and not when one is moved. */
  readonly blamable: readonly ClientEvent[]
  /** What this client heard of this address in that time could not be helped. */
  excuse(outdated: Outdated): void
  /** To be called with every call of the client's script. */
  listener(name: string, mac: MacAddress, kind: ClientKind): (event: HookEvent) => void
  /** The machine is taken away: its client has ended, and uses no address any more. */
  gone(mac: MacAddress): void
  /** When the client of this MAC heard an ACK last, since its machine was there. */
  lastAcked(mac: MacAddress): number | undefined
  /** What the client of this MAC may use now: neither given up nor run out. */
  addressOf(mac: MacAddress): IPv4Address | undefined
}

/** @param now milliseconds on a monotonic clock */
export function createRecorder(now: () => number): Recorder {
  const events: ClientEvent[] = []
  const excused: Outdated[] = []
  const acked = new Map<MacAddress, number>()
  const leases = new Map<MacAddress, { client: string; address: IPv4Address; until: number }>()
  return {
    events,
    get blamable() {
      return events.filter(
        ({ mac, address, at }) =>
          !excused.some(
            (one) => one.mac === mac && one.address === address && one.since <= at && at <= one.until,
          ),
      )
    },
    excuse: (outdated) => void excused.push(outdated),
    listener: (client, mac, kind) => (event) => {
      const type = MEANINGS[event.reason]
      if (type === 'acked') {
        const { address, leaseSeconds } = leaseIn(kind, event) ?? unreadable(client, event)
        const at = now()
        const length = leaseSeconds === undefined ? {} : { leaseSeconds }
        events.push({ type, client, mac, address, at, ...length })
        acked.set(mac, at)
        leases.set(mac, { client, address, until: at + (leaseSeconds ?? Number.POSITIVE_INFINITY) * 1000 })
      } else if (type !== undefined) end(mac, type)
    },
    gone(mac) {
      end(mac, 'gone')
      acked.delete(mac)
    },
    lastAcked: (mac) => acked.get(mac),
    addressOf(mac) {
      const lease = leases.get(mac)
      return lease !== undefined && lease.until > now() ? lease.address : undefined
    },
  }

  function end(mac: MacAddress, type: ClientEventType): void {
    const lease = leases.get(mac)
    leases.delete(mac)
    if (lease === undefined) return
    const { client, address } = lease
    events.push({ type, client, mac, address, at: now() })
  }
}

function leaseIn(kind: ClientKind, { variables }: HookEvent): ClientLease | undefined {
  return readLease(variables, kind === 'udhcpc' ? udhcpc.variableNames : ISC_NAMES)
}

function unreadable(client: string, { reason, variables }: HookEvent): never {
  throw new Error(`${client} heard "${reason}" without a lease: ${JSON.stringify([...variables])}`)
}
