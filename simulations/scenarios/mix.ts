import { createChance } from '../world/chance.ts'
import { network } from './cluster.ts'
import { randomFault } from './random-faults.ts'
import { randomOperations } from './random-operations.ts'
import type { Scenario } from './scenario.ts'

/** Anything, at any time. */
export const mix: Scenario = {
  name: 'mix',
  description: 'any operations and any faults, at any time',
  reaches: [
    'crash × agent serving',
    'pause × controller leading',
    'API late × patch',
    'message lost × delta',
    'packet lost × SELECTING',
    'watches silent × controller leading',
    'forgery × delta',
  ],
  plan(seed) {
    const chance = createChance(seed, 'mix')
    const networks = Array.from({ length: chance.integer(1, 2) }, (_, index) =>
      network(
        index + 1,
        chance.pick([3, 5, 12, 40]),
        chance.pick([20, 40, 90]),
        chance.happens(0.15) ? 2 : 1,
      ),
    )
    const controllers = chance.pick([1, 2, 2, 3])
    const durationMs = chance.pick([40_000, 120_000, 300_000])
    const operations = randomOperations(chance, {
      networks,
      durationMs,
      machines: chance.pick([3, 8, 20]),
      count: chance.pick([8, 25, 60]),
    })
    const setting = { networks, controllers, durationMs, operations }
    const faults = Array.from({ length: chance.integer(0, 16) }, () => randomFault(chance, setting))
    return {
      version: 1,
      scenario: 'mix',
      seed,
      ...setting,
      leaderElection: chance.happens(0.9),
      localFirst: chance.happens(0.7),
      faults: faults.sort((a, b) => a.at - b.at),
    }
  },
}
