import type { Crash } from './blows.ts'
import { agent, controllers, diesWriting, killed, notYet } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, networkOf, times, traffic } from './fleet.ts'

/**
 * Every process is replaced, one after the other, while VMs come and go. A controller that ends is back at once, as the
 * next version; of agents the next one is there before the last one goes, or it comes when the last one is gone.
 */
export const rollingUpgrade = scenarioOf({
  name: 'rolling-upgrade',
  description:
    'controllers and agents are replaced one after the other, with two agents on a network for a while',
  reaches: ['crash × controller leading', 'crash × agent serving', 'crash × controller standing by'],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) =>
      network(index + 1, 30, chance.pick([20, 40]), chance.happens(0.7) ? 2 : 1),
    )
    const replicas = chance.integer(2, 3)
    const machines = chance.integer(6, 16)
    const faults: Crash[] = []
    let at = chance.integer(12_000, 25_000)
    const next = () => {
      at += chance.pick([200, 3_000, 12_000])
      return at
    }
    for (const process of controllers(replicas)) {
      const downMs = chance.pick([1, 800, 4_000, 20_000])
      faults.push(
        chance.happens(0.7) ? killed(process, next(), downMs) : diesWriting(chance, process, next(), downMs),
      )
    }
    for (const on of networks) {
      if (on.agents === 1) {
        faults.push(killed(agent(on), next(), chance.pick([500, 5_000])))
        continue
      }
      const arrives = next()
      const overlap = chance.pick([1, 2_000, 15_000])
      faults.push(notYet(agent(on, 2), arrives))
      // It comes back when everything is over: by then nobody misses it.
      faults.push(killed(agent(on, 1), arrives + overlap, 200_000))
    }
    const end = at + 25_000
    const late = { from: 10_000, to: end }
    return {
      networks,
      controllers: replicas,
      durationMs: end,
      operations: [
        ...fleet(chance, machines, networks, { from: 3_000, to: 10_000 }),
        ...traffic(chance, chance.integer(4, 14), machines, late),
        // Some that nobody has served before.
        ...times(chance.integer(2, 5), (index) =>
          machine(chance.integer(15_000, end - 1), machines + index, networkOf(networks, index)),
        ),
      ],
      faults,
    }
  },
})
