import type { NicPlan } from '../plan/operations.ts'
import type { NetworkPlan, Plan } from '../plan/plan.ts'
import type { Chance } from '../world/chance.ts'

/** A /24 of its own for each network: the server is .2, the range begins at .10. */
export function network(number: number, size: number, leaseSeconds: number, agents = 1): NetworkPlan {
  const prefix = `10.0.${number}`
  return {
    name: `net-${number}`,
    cidr: `${prefix}.0/24`,
    server: `${prefix}.2`,
    start: `${prefix}.10`,
    end: `${prefix}.${9 + size}`,
    leaseSeconds,
    agents,
  }
}

/** Locally administered, one for each number below 65,536. */
export function mac(number: number): string {
  const hex = (value: number) => (value & 0xff).toString(16).padStart(2, '0')
  return `02:00:00:00:${hex(number >> 8)}:${hex(number)}`
}

export function nic(name: string, on: NetworkPlan, macNumber: number, pin?: string): NicPlan {
  return { name, network: on.name, mac: mac(macNumber), ...(pin === undefined ? {} : { pin }) }
}

/** A moment of the plan; early ones leave the cluster time to come up. */
export function moment(chance: Chance, from: number, to: number): number {
  return chance.integer(from, to)
}

export const PROCESSES = (plan: Pick<Plan, 'controllers' | 'networks'>): string[] => [
  ...Array.from({ length: plan.controllers }, (_, index) => `controller-${index + 1}`),
  ...plan.networks.flatMap(({ name, agents }) =>
    Array.from({ length: agents }, (_, index) => `agent-${name}-${index + 1}`),
  ),
]
