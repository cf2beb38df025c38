import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import type { NetworkPlan } from '../plan/plan.ts'
import type { Chance } from '../world/chance.ts'
import { agent, agents, controllers, cutOff, DAMAGES, diesWriting, killed, stopped } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, moments, networkOf, times, traffic, within } from './fleet.ts'

/** Agents end, are stopped, and start again from state files that are damaged, old, lost, or could not be written. */
export const agentRestarts = scenarioOf({
  name: 'agent-restarts',
  description: 'agents crash and stop, and start from state files that are damaged, old or lost',
  reaches: [
    'crash × agent serving',
    'crash × agent starting',
    'crash after-write × write state file',
    'crash before-write × write state file',
    'pause × agent serving',
    'state file full-disk × write state file',
    'state file corrupt × agent serving',
    'state file lost × agent serving',
    'state file old × agent serving',
    'state file flipped × agent serving',
    'state file foreign × agent serving',
    'state file version-1 × agent serving',
    'state file damaged × read state file',
    'state file kept × remove state file',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) =>
      network(index + 1, chance.pick([8, 20]), chance.pick([20, 40]), chance.happens(0.2) ? 2 : 1),
    )
    const replicas = chance.integer(1, 2)
    const machines = chance.integer(4, 10)
    const durationMs = 120_000
    const all = { from: 6_000, to: durationMs - 5_000 }
    const restarts = moments(chance, chance.integer(3, 8), all).flatMap((at): Fault[] => {
      const process = chance.pick(agents(networks))
      const damage = chance.pick(DAMAGES)
      const damaged: Fault = { type: 'state-file', at, lasts: chance.pick([2_000, 20_000]), process, damage }
      const downMs = chance.pick([1, 200, 3_000, 15_000])
      return chance.pick<() => Fault[]>([
        () => [damaged, killed(process, at + 100, downMs)],
        () => [damaged, killed(process, at + 100, downMs)],
        // Nobody to ask when it starts: what is in the file is all that it knows.
        () => [damaged, ...cutOff(process, 'api', at, 20_000), killed(process, at + 100, downMs)],
        () => [diesWriting(chance, process, at, downMs)],
        () => [stopped(process, at, chance.pick([500, 10_000, 30_000]))],
        // And again while it starts.
        () => [killed(process, at, 10), killed(process, at + chance.integer(11, 40), downMs)],
      ])()
    })
    const elsewhere: Fault[] = chance.happens(0.4)
      ? [killed(chance.pick(controllers(replicas)), within(chance, all), chance.pick([1, 20_000]))]
      : []
    const retired: Retired = chance.happens(0.4)
      ? retiredPool(chance, network(networks.length + 1, 8, 20), within(chance, all))
      : { networks: [], operations: [], faults: [] }
    return {
      networks: [...networks, ...retired.networks],
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 20_000 }),
        ...traffic(chance, chance.integer(6, 16), machines, all),
        ...times(4, (index) => machine(within(chance, all), machines + index, networkOf(networks, index))),
        ...retired.operations,
      ],
      faults: [...restarts, ...elsewhere, ...retired.faults],
    }
  },
})

interface Retired {
  readonly networks: NetworkPlan[]
  readonly operations: Operation[]
  readonly faults: Fault[]
}

/** A pool that nobody uses is deleted, its agent cannot remove the file, starts again from it, and the pool comes back. */
function retiredPool(chance: Chance, on: NetworkPlan, at: number): Retired {
  const process = agent(on)
  return {
    networks: [on],
    operations: [
      { type: 'pool-delete', at, pool: on.name },
      { type: 'pool-create', at: at + chance.pick([3_000, 20_000]), pool: on.name },
    ],
    faults: [
      { type: 'state-file', at, lasts: chance.pick([2_000, 15_000]), process, damage: 'kept' },
      killed(process, at + chance.integer(500, 2_000), chance.pick([1, 10_000])),
    ],
  }
}
