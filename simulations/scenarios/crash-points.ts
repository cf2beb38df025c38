import type { Fault } from '../plan/faults.ts'
import { agents, controllers } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, moments, networkOf, times, traffic, within } from './fleet.ts'

/** Every process dies over and over at its writes, before them and after them, while there is much to write. */
export const crashPoints = scenarioOf({
  name: 'crash-points',
  description: 'every process dies at its writes, before and after them, again and again',
  reaches: [
    'crash before-write × patch ippools/status',
    'crash after-write × patch ippools/status',
    'crash before-write × patch virtualmachinenetworkconfigs/status',
    'crash after-write × patch virtualmachinenetworkconfigs/status',
    'crash after-write × create virtualmachinenetworkconfigs',
    'crash before-write × write state file',
    'crash after-write × write state file',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, 15, chance.pick([20, 40])))
    const replicas = chance.integer(1, 2)
    const machines = chance.integer(4, 10)
    const durationMs = 90_000
    const all = { from: 1_000, to: durationMs - 10_000 }
    const always = chance.pick(['before-write', 'after-write', 'either'] as const)
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 1_000, to: 40_000 }),
        ...traffic(chance, chance.integer(6, 20), machines, { from: 15_000, to: durationMs - 1 }),
        ...times(5, (index) => machine(within(chance, all), machines + index, networkOf(networks, index))),
      ],
      // Each waits for the next write: which one that is depends on when the wait began.
      faults: [...controllers(replicas), ...agents(networks)].flatMap((process): Fault[] =>
        moments(chance, chance.integer(2, 10), all).map((at) => ({
          type: 'crash',
          at,
          process,
          moment: always === 'either' ? chance.pick(['before-write', 'after-write'] as const) : always,
          downMs: chance.pick([1, 1, 300, 4_000]),
        })),
      ),
    }
  },
})
