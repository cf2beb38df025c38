import type { NicPlan, Operation } from '../plan/operations.ts'
import type { NetworkPlan } from '../plan/plan.ts'
import type { Chance } from '../world/chance.ts'
import { nic } from './cluster.ts'

/** From one moment to another, in milliseconds. */
export interface Span {
  readonly from: number
  readonly to: number
}

export function within(chance: Chance, { from, to }: Span): number {
  return chance.integer(from, to)
}

/** So many times whatever `make` makes. */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** So many moments of a span, in order. */
export function moments(chance: Chance, count: number, span: Span): number[] {
  return times(count, () => within(chance, span)).sort((a, b) => a - b)
}

/** Each network in turn. */
export function networkOf(networks: readonly NetworkPlan[], number: number): NetworkPlan {
  const chosen = networks[number % networks.length]
  if (chosen === undefined) throw new RangeError('a scenario has at least one network')
  return chosen
}

export const vmName = (number: number) => `vm-${number}`

/** The VM of this number: one NIC, with a MAC of that number. */
export function machine(
  at: number,
  number: number,
  on: NetworkPlan,
  { running = true, pin, more = [] }: { running?: boolean; pin?: string; more?: NicPlan[] } = {},
): Operation {
  return {
    type: 'vm-create',
    at,
    vm: vmName(number),
    nics: [nic('nic-0', on, number, pin), ...more],
    running,
  }
}

/** VMs 0 to `count` - 1, on the networks in turn, created within the span. */
export function fleet(
  chance: Chance,
  count: number,
  networks: readonly NetworkPlan[],
  span: Span,
): Operation[] {
  return times(count, (number) => machine(within(chance, span), number, networkOf(networks, number)))
}

/** An address of the range. */
export function addressIn(chance: Chance, { start, end }: NetworkPlan): string {
  return addressAt(start, chance.integer(lastOctet(start), lastOctet(end)))
}

/** The address of the /24 that ends so. */
export function addressAt(like: string, octet: number): string {
  return `${like.slice(0, like.lastIndexOf('.'))}.${octet}`
}

export function lastOctet(address: string): number {
  return Number(address.slice(address.lastIndexOf('.') + 1))
}

/** What goes on in a cluster all the time: guests boot again, move, stop and start, and now and then one is deleted. */
export function traffic(chance: Chance, count: number, machines: number, span: Span): Operation[] {
  const kinds = ['guest-reboot', 'guest-reboot', 'vm-migrate', 'vm-stop', 'vm-start', 'vm-delete'] as const
  return times(count, () => ({
    type: chance.pick(kinds),
    at: within(chance, span),
    vm: vmName(chance.integer(0, machines - 1)),
  }))
}
