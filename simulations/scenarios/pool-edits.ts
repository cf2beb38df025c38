import type { Operation } from '../plan/operations.ts'
import type { NetworkPlan } from '../plan/plan.ts'
import type { Chance } from '../world/chance.ts'
import { addressAt, addressIn, lastOctet, type Span, times, within } from './fleet.ts'

type Edit = Extract<Operation, { type: 'pool-edit' }>
type Spec = Record<string, unknown>

/** What people change in a pool that is in use. */
export function poolEdit(chance: Chance, on: NetworkPlan, at: number): Edit {
  const last = lastOctet(on.end)
  const end = (octet: number) => ({ pool: { end: addressAt(on.end, octet) } })
  const addresses = () => times(chance.integer(0, 3), () => addressIn(chance, on))
  const kinds: readonly (() => Spec)[] = [
    () => end(Math.min(last + chance.integer(1, 20), 250)),
    () => end(Math.max(last - chance.integer(1, 6), lastOctet(on.start))),
    () => ({ pool: { start: addressAt(on.start, lastOctet(on.start) + chance.integer(0, 4)) } }),
    () => ({ pool: { exclude: [...new Set(addresses())] } }),
    () => ({ pool: { exclude: [...new Set(addresses())] } }),
    () => ({ leaseTime: chance.pick([15, 20, 60, 120]) }),
    () => ({ router: chance.pick([addressAt(on.start, 1), addressIn(chance, on)]) }),
    () => ({ serverIP: chance.pick([on.server, addressAt(on.start, 3), addressIn(chance, on)]) }),
    () => named(chance.pick(['1.1.1.1', '8.8.8.8']), chance.pick(['one.test', 'two.test'])),
  ]
  return edit(on, at, chance.pick(kinds)())
}

function named(server: string, domainName: string): Spec {
  return { dns: [server], domainName, domainSearch: [domainName, 'all.test'], ntp: [server] }
}

/** The pool is paused, and goes on after a while. */
export function pausedFor(on: NetworkPlan, at: number, lasts: number): Edit[] {
  return [
    { type: 'pool-edit', at, pool: on.name, spec: { paused: true } },
    { type: 'pool-edit', at: at + lasts, pool: on.name, spec: { paused: false } },
  ]
}

/** An edit that makes no sense, as it gets past where no webhook runs, and the one that puts it right. */
export function mistakeFor(chance: Chance, on: NetworkPlan, at: number, lasts: number): Edit[] {
  const [wrong, right] = chance.pick<readonly [Spec, Spec]>([
    [{ serverIP: '192.0.2.1' }, { serverIP: on.server }],
    [{ pool: { start: addressAt(on.start, 250), end: on.end } }, { pool: { start: on.start, end: on.end } }],
    [{ pool: { end: '192.0.2.20' } }, { pool: { end: on.end } }],
    [{ cidr: '192.0.2.0/24' }, { cidr: on.cidr }],
    [{ router: '192.0.2.1' }, { router: addressAt(on.start, 1) }],
  ])
  return [edit(on, at, wrong), edit(on, at + lasts, right)]
}

/** Everything as the plan has it: what comes last must be a pool that can serve. */
export function restored(on: NetworkPlan, at: number): Edit {
  const { cidr, start, end, server: serverIP, leaseSeconds: leaseTime } = on
  const ipv4Config = { cidr, serverIP, leaseTime, pool: { start, end, exclude: [] } }
  return { type: 'pool-edit', at, pool: on.name, spec: { paused: false, ipv4Config } }
}

export function poolEdits(chance: Chance, on: NetworkPlan, count: number, span: Span): Edit[] {
  return times(count, () => poolEdit(chance, on, within(chance, span)))
}

function edit(on: NetworkPlan, at: number, ipv4Config: Spec): Edit {
  return { type: 'pool-edit', at, pool: on.name, spec: { ipv4Config } }
}
