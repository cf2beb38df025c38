import type { NetworkPlan, Plan } from '../plan/plan.ts'
import { describeFault } from './fault-text.ts'
import { describeOperation } from './operation-text.ts'
import { counted, printable } from './text.ts'
import { formatLength } from './time-text.ts'

export { describeFault, describeOperation }

/** A line of a plan: what people do, or what goes wrong. */
export interface PlanLine {
  readonly at: number
  readonly kind: 'operation' | 'fault'
  readonly text: string
}

/** Operations and faults in order of time. */
export function planLines(plan: Plan): PlanLine[] {
  const operations = plan.operations.map(
    (it): PlanLine => ({ at: it.at, kind: 'operation', text: describeOperation(it) }),
  )
  const faults = plan.faults.map((it): PlanLine => ({ at: it.at, kind: 'fault', text: describeFault(it) }))
  return [...operations, ...faults].sort((a, b) => a.at - b.at)
}

/** The world that a plan starts with, a line each. */
export function describeWorld(plan: Plan): string[] {
  const lead =
    plan.controllers === 1
      ? ''
      : plan.leaderElection
        ? ', one of them leads'
        : ', each believes that it is the only one'
  const talk = plan.localFirst ? '' : ', whose actors talk through the broker'
  return [
    `${counted(plan.controllers, 'controller')}${lead}${talk}; faults within ${formatLength(plan.durationMs)}`,
    ...plan.networks.map((it) =>
      printable(
        `network ${it.name}${poolNote(it)}: ${it.cidr}, addresses ${it.start} to ${it.end}, leases of ${formatLength(it.leaseSeconds * 1000)}, ${counted(it.agents, 'agent')}`,
      ),
    ),
  ]
}

function poolNote({ pool }: NetworkPlan): string {
  return pool === undefined ? '' : ` (IPPool ${pool.namespace}/${pool.name})`
}

/** What the reader types to see the run again. */
export function replayCommand(plan: Pick<Plan, 'scenario' | 'seed'>): string {
  const scenario = /^[\w.-]+$/.test(plan.scenario)
    ? plan.scenario
    : `'${plan.scenario.replaceAll("'", `'\\''`)}'`
  return `managed-dhcp simulate --scenario ${scenario} --seed ${plan.seed}`
}
