import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agents, controllers, MOMENTS, nthOf } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, networkOf, times, traffic, within } from './fleet.ts'

/** Every process dies or is stopped over and over within its work: at writes, answers, messages, between two turns. */
export const crashPoints = scenarioOf({
  name: 'crash-points',
  description: 'every process dies or stops at its writes, answers and messages, again and again',
  reaches: [
    'crash before-write × patch ippools/status',
    'crash after-write × patch ippools/status',
    'crash before-write × patch virtualmachinenetworkconfigs/status',
    'crash after-write × patch virtualmachinenetworkconfigs/status',
    'crash after-write × create virtualmachinenetworkconfigs',
    'crash before-write × write state file',
    'crash after-write × write state file',
    'crash after-answer × patch ippools/status',
    'crash before-send × delta',
    'crash after-send × delta',
    'crash after-turns × controller leading',
    'pause before-write × patch',
    'pause after-write × patch',
    'pause after-answer × patch',
    'pause before-send × delta',
    'pause after-send × delta',
    'pause after-turns × controller leading',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, 15, chance.pick([20, 40])))
    const replicas = chance.integer(1, 2)
    const machines = chance.integer(4, 10)
    const durationMs = 90_000
    const all = { from: 1_000, to: durationMs - 10_000 }
    const always = chance.pick(['before-write', 'after-write', 'any', 'any'] as const)
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
        times(chance.integer(2, 10), () => {
          const moment = always === 'any' ? chance.pick(MOMENTS) : always
          const struck = { at: busy(), process, moment, ...(always === 'any' ? nthOf(chance, moment) : {}) }
          // Who is stopped there goes on later as if nothing had been.
          return chance.happens(0.2)
            ? { type: 'pause', ...struck, lasts: chance.pick([300, 6_000, 20_000]) }
            : { type: 'crash', ...struck, downMs: chance.pick([1, 1, 300, 4_000]) }
        }),
      ),
    }
  },
})
