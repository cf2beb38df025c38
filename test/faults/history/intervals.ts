import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import { type ClientEvent, describeTime } from './events.ts'

/** One MAC may use one address from `from` until `until`. */
export interface LeaseInterval {
  readonly address: IPv4Address
  readonly mac: MacAddress
  readonly client: string
  readonly from: number
  readonly until: number
  /** Why it ends then. */
  readonly ending: 'runs out' | Exclude<ClientEvent['type'], 'acked'>
  /** What was heard and done about it, in order. */
  readonly events: readonly ClientEvent[]
}

/** Two MACs that could use one address at the same time. */
export interface Overlap {
  readonly address: IPv4Address
  readonly from: number
  readonly until: number
  readonly first: LeaseInterval
  readonly second: LeaseInterval
}

export interface IntervalOptions {
  /**
   * How much later than it was sent an ACK may be in the history. A client counts its lease from when it asked (RFC 2131
   * §4.4.1), so an interval ends earlier by this.
   */
  readonly heardLateMs?: number
}

/**
 * Leases as their clients see them: from the first ACK heard to the earliest of expiry, NAK, release and the end of the
 * machine. Every further ACK prolongs one that runs; none shortens it.
 */
export function leaseIntervals(
  events: readonly ClientEvent[],
  { heardLateMs = 0 }: IntervalOptions = {},
): LeaseInterval[] {
  const finished: LeaseInterval[] = []
  const running = new Map<string, LeaseInterval>()
  for (const event of [...events].sort((a, b) => a.at - b.at)) {
    const { address, mac, client, at } = event
    const key = `${mac} ${address}`
    const known = running.get(key)
    const current = known !== undefined && known.until > at ? known : undefined
    if (known !== undefined && current === undefined) finished.push(known)
    if (event.type === 'acked') {
      const expiry = at + (event.leaseSeconds ?? Number.POSITIVE_INFINITY) * 1000 - heardLateMs
      running.set(key, {
        ...{ address, mac, client, ending: 'runs out' },
        from: current?.from ?? at,
        until: Math.max(expiry, current?.until ?? expiry),
        events: [...(current?.events ?? []), event],
      })
      continue
    }
    running.delete(key)
    if (current === undefined) continue
    finished.push({ ...current, until: at, ending: event.type, events: [...current.events, event] })
  }
  return [...finished, ...running.values()]
}

/** Cost: O(n log n) in the intervals, and what there is to report. */
export function findOverlaps(intervals: readonly LeaseInterval[]): Overlap[] {
  const sorted = intervals
    .filter(({ from, until }) => until > from)
    .sort((a, b) => a.address - b.address || a.from - b.from)
  const overlaps: Overlap[] = []
  let open: LeaseInterval[] = []
  for (const second of sorted) {
    open = open.filter(({ address, until }) => address === second.address && until > second.from)
    for (const first of open) {
      if (first.mac === second.mac) continue
      const { address, from } = second
      overlaps.push({ address, from, until: Math.min(first.until, second.until), first, second })
    }
    open.push(second)
  }
  return overlaps
}

/** Who held what, when, and why each believed it: one line an event. */
export function tellOverlap({ address, from, until, first, second }: Overlap): string {
  const title = `${formatIPv4Address(address)} has two holders from ${describeTime(from)} to ${describeTime(until)}:`
  const holders = [first, second].map(
    (lease) =>
      `  ${lease.mac} (${lease.client}) from ${describeTime(lease.from)}, ${lease.ending} at ${describeTime(lease.until)}`,
  )
  const events = [...first.events, ...second.events].sort((a, b) => a.at - b.at).map(tellEvent)
  return [title, ...holders, ...events].join('\n')
}

function tellEvent({ at, client, type, leaseSeconds }: ClientEvent): string {
  const length = leaseSeconds === undefined ? '' : ` for ${leaseSeconds} s`
  return `    ${describeTime(at).padStart(12)}  ${client} ${type}${length}`
}
