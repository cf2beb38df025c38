import type { Fault } from '../plan/faults.ts'
import type { Chance } from '../world/chance.ts'
import { agents, controllers, cutOff, killed, watchTrouble } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, moments, networkOf, times, traffic, within } from './fleet.ts'

/** The API answers late or not at all, refuses, throttles, shows old lists; its watches end or fall silent. */
export const apiTrouble = scenarioOf({
  name: 'api-trouble',
  description: 'the API is late, silent, throttled, in conflict, behind, and its watches end or say nothing',
  reaches: [
    'API late × patch ippools/status',
    'API silence × patch',
    'API conflict × patch ippools/status',
    'API throttled × watch',
    'API internal × watch',
    'API done-500 × patch ippools/status',
    'API done-504 × patch ippools/status',
    'API down × list',
    'stale list × list',
    'watch lag × watch ippools',
    'watches closed × agent serving',
    'watches gone × controller leading',
    'watches silent × controller leading',
    'watches ended × controller leading',
    'watches missed × controller leading',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, 15, chance.pick([20, 40])))
    const replicas = chance.integer(1, 3)
    const machines = chance.integer(4, 12)
    const durationMs = 150_000
    const all = { from: 3_000, to: durationMs - 10_000 }
    const processes = [...controllers(replicas), ...agents(networks)]
    // While the VMs of the beginning get their addresses there is most to lose.
    const whileAddressesAreGiven: Fault = {
      type: 'api-errors',
      at: chance.integer(3_000, 30_000),
      lasts: 10_000,
      process: '*',
      share: chance.pick([0.2, 0.5]),
      error: chance.pick(['late', 'conflict']),
    }
    const later = times(5, (index) =>
      machine(within(chance, all), machines + index, networkOf(networks, index)),
    )
    const who = () => (chance.happens(0.5) ? '*' : chance.pick(processes))
    const lasts = () => chance.pick([2_000, 10_000, 40_000])
    const errors = ['conflict', 'throttled', 'internal', 'silence', 'late', 'done-500', 'done-504'] as const
    const kinds: readonly ((at: number) => Fault[])[] = [
      (at) =>
        times(chance.integer(1, 2), () => ({
          type: 'api-errors',
          at,
          lasts: lasts(),
          process: who(),
          share: chance.pick([0.1, 0.3, 0.8]),
          error: chance.pick(errors),
        })),
      (at) => [
        { type: 'api-slow', at, lasts: lasts(), process: who(), upToMs: chance.pick([500, 5_000, 20_000]) },
      ],
      (at) => [
        {
          type: 'stale-lists',
          at,
          lasts: lasts(),
          process: who(),
          behindMs: chance.pick([1_000, 10_000, 60_000]),
        },
        { type: 'watches', at: at + 50, process: who(), how: 'gone' },
      ],
      (at) => [watchTrouble(chance, who(), at)],
      (at) => [{ type: 'watches', at, process: who(), how: 'silent' }],
      (at) => [
        { type: 'watch-lag', at, lasts: lasts(), process: who(), upToMs: chance.pick([500, 5_000, 30_000]) },
      ],
      // What an API server does that shuts down: writes are done, and their answers get lost.
      (at) => [
        { type: 'watches', at, process: '*', how: 'ended', gapMs: chance.pick([0, 400]) },
        { type: 'api-errors', at, lasts: 3_000, process: '*', share: 0.5, error: 'done-504' },
      ],
      (at) => [{ type: 'api-down', at, lasts: chance.pick([100, 3_000, 25_000]) }],
      (at) => cutOff(chance.pick(processes), 'api', at, chance.pick([1_000, 12_000])),
      (at) => [killed(chance.pick(processes), at, chance.pick([1, 2_000]))],
    ]
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 40_000 }),
        ...traffic(chance, chance.integer(8, 24), machines, all),
        ...later,
      ],
      faults: [
        whileAddressesAreGiven,
        ...later.flatMap(({ at }) => (chance.happens(0.3) ? [untold(chance, at - 50)] : [])),
        ...moments(chance, chance.integer(3, 8), all).flatMap((at) => chance.pick(kinds)(at)),
      ],
    }
  },
})

/** Nobody is told at once of what happens next: it is to be found by the watch that follows, or by the next list. */
function untold(chance: Chance, at: number): Fault {
  const watches = { type: 'watches', at, process: '*' } as const
  return chance.happens(0.7)
    ? { ...watches, how: 'ended', gapMs: chance.pick([300, 3_000]) }
    : { ...watches, how: 'missed', changes: 1 }
}
