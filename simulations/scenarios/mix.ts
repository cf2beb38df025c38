import type { Operation } from '../plan/operations.ts'
import type { Plan } from '../plan/plan.ts'
import { createChance } from '../world/chance.ts'
import { mac, network } from './cluster.ts'
import { times, vmName } from './fleet.ts'
import { guestTrouble } from './guest-trouble.ts'
import { renamed, withOwnPool } from './other-names.ts'
import { randomFault } from './random-faults.ts'
import { randomOperations } from './random-operations.ts'
import type { Scenario } from './scenario.ts'

/** In half of the runs guests do as their VMs say at once, and everything has its usual name. */
function isOrdinary(seed: number): boolean {
  return createChance(seed, 'mix, surroundings').happens(0.5)
}

/** What befalls guests, without a word to the cluster or long after it. */
function trouble(
  seed: number,
  { networks, durationMs, machines }: Pick<Plan, 'networks' | 'durationMs'> & { machines: number },
): Operation[] {
  const chance = createChance(seed, 'mix, guests')
  if (isOrdinary(seed) || chance.happens(0.3)) return []
  const change = () =>
    chance.happens(0.5)
      ? { mac: mac(5000 + chance.integer(0, 999)) }
      : { network: chance.pick(networks).name }
  return times(chance.integer(1, 8), () => chance.integer(0, durationMs - 1))
    .flatMap((at) => guestTrouble(chance, vmName(chance.integer(0, machines - 1)), at, change))
    .filter(({ at }) => at < durationMs)
}

/** Anything, at any time. */
export const mix: Scenario = {
  name: 'mix',
  description: 'any operations and any faults, at any time',
  reaches: [
    'crash × agent serving',
    'pause × controller leading',
    'API late × get',
    'packet lost × SELECTING',
    'watches silent × controller leading',
    'forgery × delta',
  ],
  plan(seed) {
    const chance = createChance(seed, 'mix')
    const naming = createChance(seed, 'mix, names')
    const isUnusual = !isOrdinary(seed) && naming.happens(0.6)
    const networks = Array.from({ length: chance.integer(1, 2) }, (_, index) => {
      const on = network(
        index + 1,
        chance.pick([3, 5, 12, 40]),
        chance.pick([20, 40, 90]),
        chance.happens(0.15) ? 2 : 1,
      )
      return isUnusual ? withOwnPool(naming, on) : on
    })
    const controllers = chance.pick([1, 2, 2, 3])
    const durationMs = chance.pick([40_000, 120_000, 300_000])
    const machines = chance.pick([3, 8, 20])
    const ordinary = randomOperations(chance, {
      networks,
      durationMs,
      machines,
      count: chance.pick([8, 25, 60]),
    })
    const named = isUnusual ? ordinary.map((operation) => renamed(naming, operation)) : ordinary
    const operations = [...named, ...trouble(seed, { networks, durationMs, machines })].sort(
      (a, b) => a.at - b.at,
    )
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
