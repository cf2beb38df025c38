import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agents, controllers } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, networkOf, times, traffic, within } from './fleet.ts'

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
    const operations: Operation[] = [
      ...fleet(chance, machines, networks, { from: 1_000, to: 40_000 }),
      ...traffic(chance, chance.integer(6, 20), machines, { from: 15_000, to: durationMs - 1 }),
      ...times(5, (index) => machine(within(chance, all), machines + index, networkOf(networks, index))),
    ]
    // An operation makes writes of many kinds within milliseconds: which of them is next depends on the moment.
    const busy = () => Math.min(chance.pick(operations).at + chance.integer(0, 24), all.to)
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations,
      faults: [...controllers(replicas), ...agents(networks)].flatMap((process): Fault[] =>
        times(chance.integer(2, 10), () => ({
          type: 'crash',
          at: busy(),
          process,
          moment: always === 'either' ? chance.pick(['before-write', 'after-write'] as const) : always,
          downMs: chance.pick([1, 1, 300, 4_000]),
        })),
      ),
    }
  },
})
