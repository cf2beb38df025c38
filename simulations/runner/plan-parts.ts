import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import type { Plan } from '../plan/plan.ts'

/** An operation or a fault of a plan. */
export type Part =
  | { readonly kind: 'operation'; readonly value: Operation }
  | { readonly kind: 'fault'; readonly value: Fault }

/** Operations and faults together, in order of time. */
export function partsOf({ operations, faults }: Plan): Part[] {
  const parts: Part[] = [
    ...operations.map((value): Part => ({ kind: 'operation', value })),
    ...faults.map((value): Part => ({ kind: 'fault', value })),
  ]
  return parts.sort((a, b) => a.value.at - b.value.at)
}

/** The plan with these operations and faults only. */
export function withParts(plan: Plan, parts: readonly Part[]): Plan {
  const operations: Operation[] = []
  const faults: Fault[] = []
  for (const part of parts) {
    if (part.kind === 'operation') operations.push(part.value)
    else faults.push(part.value)
  }
  return { ...plan, operations, faults }
}

export function countParts({ operations, faults }: Plan): number {
  return operations.length + faults.length
}

/** The plan without a network and everything that is about it alone. */
export function withoutNetwork(plan: Plan, name: string): Plan {
  const isOfAgent = (process: string) => process.startsWith(`agent-${name}-`)
  return {
    ...plan,
    networks: plan.networks.filter((network) => network.name !== name),
    operations: plan.operations.flatMap((operation): Operation[] => {
      if ('pool' in operation) return operation.pool === name ? [] : [operation]
      if (operation.type === 'nic-move') return operation.network === name ? [] : [operation]
      if (operation.type === 'nic-add') return operation.nic.network === name ? [] : [operation]
      if (operation.type !== 'vm-create') return [operation]
      const nics = operation.nics.filter(({ network }) => network !== name)
      return nics.length === 0 ? [] : [{ ...operation, nics }]
    }),
    faults: plan.faults.filter((fault) => {
      if ('network' in fault) return fault.network !== name
      if ('process' in fault) return !isOfAgent(fault.process)
      return !('from' in fault) || !(isOfAgent(fault.from) || isOfAgent(fault.to))
    }),
  }
}
