import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import type { HookEvent } from '../../../src/lab/clients/hook.ts'
import { type ClientLease, ISC_NAMES, readLease } from '../../../src/lab/clients/lease.ts'
import type { ClientKind } from '../../../src/lab/clients/program.ts'
import { udhcpc } from '../../../src/lab/clients/udhcpc.ts'
import type { ClientEvent, ClientEventType } from '../history/events.ts'

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
  /** To be called with every call of the client's script. */
  listener(name: string, mac: MacAddress, kind: ClientKind): (event: HookEvent) => void
  /** The machine is taken away: its client has ended, and uses no address any more. */
  gone(mac: MacAddress): void
  /** When the client of this MAC heard an ACK last, since its machine was there. */
  lastAcked(mac: MacAddress): number | undefined
}

/** @param now milliseconds on a monotonic clock */
export function createRecorder(now: () => number): Recorder {
  const events: ClientEvent[] = []
  const acked = new Map<MacAddress, number>()
  const leases = new Map<MacAddress, { client: string; address: IPv4Address }>()
  return {
    events,
    listener: (client, mac, kind) => (event) => {
      const type = MEANINGS[event.reason]
      if (type === 'acked') {
        const lease = leaseIn(kind, event)
        if (lease === undefined) return
        const { address, leaseSeconds } = lease
        const length = leaseSeconds === undefined ? {} : { leaseSeconds }
        events.push({ type, client, mac, address, at: now(), ...length })
        acked.set(mac, now())
        leases.set(mac, { client, address })
      } else if (type !== undefined) end(mac, type)
    },
    gone(mac) {
      end(mac, 'gone')
      acked.delete(mac)
    },
    lastAcked: (mac) => acked.get(mac),
  }

  function end(mac: MacAddress, type: ClientEventType): void {
    const lease = leases.get(mac)
    leases.delete(mac)
    if (lease !== undefined) events.push({ type, mac, at: now(), ...lease })
  }
}

function leaseIn(kind: ClientKind, { variables }: HookEvent): ClientLease | undefined {
  return readLease(variables, kind === 'udhcpc' ? udhcpc.variableNames : ISC_NAMES)
}

/** For messages: the end of the history. */
export function tellEvents(events: readonly ClientEvent[]): string {
  return events
    .map(
      ({ at, client, type, address }) =>
        `${(at / 1000).toFixed(3)} ${client} ${type} ${formatIPv4Address(address)}`,
    )
    .join('\n')
}
