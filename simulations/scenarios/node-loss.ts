import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agent, controllers, cutOff, killed, notYet } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, times, traffic, vmName, within } from './fleet.ts'
import { lostNode } from './guest-trouble.ts'

/**
 * A node is lost, and with it an agent, its state file and perhaps the leader: another agent starts elsewhere from
 * nothing, and instances come up on other nodes. Some nodes are not dead, only nobody can reach them any more.
 */
export const nodeLoss = scenarioOf({
  name: 'node-loss',
  description: 'a node is lost with an agent and its state; another agent starts elsewhere, and VMs move',
  reaches: [
    'crash × agent serving',
    'state file lost × agent',
    'crash × controller leading',
    'broker lost × agent serving',
    'guest stranded × BOUND',
  ],
  day(chance) {
    const on = network(1, chance.pick([12, 30]), chance.pick([20, 40]), 2)
    const machines = chance.integer(5, 12)
    const replicas = chance.integer(1, 3)
    const lost = chance.integer(20_000, 40_000)
    // Until Kubernetes believes that the node is lost. When the old agent runs on, there are two for a while.
    const replaced = lost + chance.pick([1, 5_000, 30_000])
    const durationMs = replaced + 60_000
    const [old, other] = [agent(on, 1), agent(on, 2)]
    const leader = chance.pick(controllers(replicas))
    const isUnreachable = chance.happens(0.3)
    const gone: Fault[] = isUnreachable
      ? [
          ...cutOff(old, 'api', lost, durationMs),
          ...cutOff(old, 'broker', lost, durationMs),
          killed(old, replaced + chance.integer(1, 40_000), durationMs),
        ]
      : [killed(old, lost, durationMs)]
    const withIt: Fault[] = chance.happens(0.6) ? [killed(leader, lost + chance.integer(0, 500), 25_000)] : []
    const comesBack: Fault[] = chance.happens(0.4)
      ? [
          {
            type: 'state-file',
            at: replaced + 1_000,
            lasts: 1,
            process: other,
            damage: chance.pick(['lost', 'old']),
          },
          killed(other, replaced + 20_000, chance.pick([1, 3_000])),
        ]
      : []
    const moved: Operation[] = times(machines, vmName)
      .filter(() => chance.happens(0.5))
      .flatMap((vm): Operation[] => {
        const at = lost + chance.integer(500, 20_000)
        if (chance.happens(0.5)) return [{ type: 'vm-migrate', at, vm }]
        return [
          { type: 'vm-stop', at, vm },
          { type: 'vm-start', at: at + chance.integer(3_000, 9_000), vm },
        ]
      })
    // Guests on lost nodes run on, and may reach their network; not with an agent there that nobody can tell anything.
    const runOn = times(isUnreachable ? 0 : chance.integer(0, 4), () =>
      lostNode(chance, vmName(chance.integer(0, machines - 1)), within(chance, { from: lost, to: replaced })),
    ).flat()
    return {
      networks: [on],
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, [on], { from: 2_000, to: 18_000 }),
        ...moved,
        ...runOn,
        ...traffic(chance, chance.integer(0, 8), machines, { from: 15_000, to: durationMs - 1 }),
        ...times(3, (index) =>
          machine(within(chance, { from: lost, to: replaced + 20_000 }), machines + index, on),
        ),
      ],
      faults: [
        notYet(other, replaced),
        ...gone,
        { type: 'state-file', at: lost + 10, lasts: 1, process: old, damage: 'lost' },
        ...withIt,
        ...comesBack,
      ],
    }
  },
})
