import type { Fault } from '../plan/faults.ts'
import { agents, controllers, killed } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { addressIn, fleet, machine, moments, networkOf, times, traffic, within } from './fleet.ts'

/** Clocks of controllers and agents jump and drift, most of all while addresses rest and leases run out. */
export const badClocks = scenarioOf({
  name: 'bad-clocks',
  description: 'the clocks of controllers and agents jump forward and back, and run too fast or too slow',
  reaches: [
    'clock jump × controller leading',
    'clock jump × agent serving',
    'clock drift × controller leading',
    'clock drift × agent serving',
  ],
  day(chance) {
    const machines = chance.integer(3, 9)
    // Addresses that were given back are wanted again soon.
    const networks = times(chance.integer(1, 2), (index) =>
      network(index + 1, machines + 1, chance.pick([20, 60])),
    )
    const replicas = chance.integer(1, 3)
    const durationMs = 150_000
    const all = { from: 3_000, to: durationMs - 5_000 }
    const anybody = () => chance.pick([...controllers(replicas), ...agents(networks)])
    const kinds: readonly ((at: number) => Fault)[] = [
      (at) => ({
        type: 'clock-jump',
        at,
        process: anybody(),
        byMs: chance.pick([-86_400_000, -3_600_000, -25_000, -2_000, 2_000, 25_000, 3_600_000]),
      }),
      (at) => ({
        type: 'clock-drift',
        at,
        lasts: chance.pick([20_000, 90_000]),
        process: anybody(),
        perMille: chance.pick([-10, -1, 1, 10]),
      }),
      (at) => killed(anybody(), at, chance.pick([1, 4_000, 20_000])),
    ]
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 20_000 }),
        ...traffic(chance, chance.integer(6, 20), machines, all),
        ...times(chance.integer(2, 6), (index) => {
          const number = chance.integer(0, machines + 2)
          const on = networkOf(networks, index)
          const pinned = chance.happens(0.3) ? { pin: addressIn(chance, on) } : {}
          return machine(within(chance, all), number, on, pinned)
        }),
      ],
      faults: moments(chance, chance.integer(3, 9), all).map((at) => chance.pick(kinds)(at)),
    }
  },
})
