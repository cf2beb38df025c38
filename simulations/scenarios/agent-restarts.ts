import type { Fault } from '../plan/faults.ts'
import { agents, controllers, cutOff, diesWriting, killed, stopped } from './blows.ts'
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
    'state file full-disk × ',
    'state file corrupt × ',
    'state file lost × ',
    'state file old × ',
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
      const damage = chance.pick(['full-disk', 'corrupt', 'lost', 'old'] as const)
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
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 20_000 }),
        ...traffic(chance, chance.integer(6, 16), machines, all),
        ...times(4, (index) => machine(within(chance, all), machines + index, networkOf(networks, index))),
      ],
      faults: [...restarts, ...elsewhere],
    }
  },
})
