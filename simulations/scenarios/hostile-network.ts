import type { Fault } from '../plan/faults.ts'
import { agents, controllers, killed } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, moments, networkOf, times, traffic, within } from './fleet.ts'

/** Clients that lie about everything, and somebody who forges messages, on a network that loses, doubles, spoils and delays what it carries. */
export const hostileNetwork = scenarioOf({
  name: 'hostile-network',
  description: 'clients lie, messages are forged, and packets are lost, doubled, corrupted and late',
  reaches: [
    'lie × net-1',
    'packet lost × SELECTING',
    'packet lost × RENEWING',
    'packet doubled × REQUESTING',
    'packet corrupted × SELECTING',
    'packet delayed × SELECTING',
    'forgery × delta',
    'forgery × release',
    'spoiled forgery × delta',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) =>
      network(index + 1, chance.pick([6, 20]), chance.pick([20, 40]), chance.happens(0.2) ? 2 : 1),
    )
    const replicas = chance.integer(1, 2)
    const machines = chance.integer(3, 10)
    const durationMs = 90_000
    const all = { from: 2_000, to: durationMs - 5_000 }
    const share = () => chance.pick([0, 0.05, 0.3, 0.6])
    const on = () => chance.pick(networks).name
    const kinds: readonly ((at: number) => Fault)[] = [
      (at) => ({
        type: 'liar',
        at,
        lasts: chance.pick([10_000, 60_000]),
        network: on(),
        everyMs: chance.pick([50, 400, 3_000]),
      }),
      (at) => ({
        type: 'packets',
        at,
        lasts: chance.pick([5_000, 30_000]),
        network: on(),
        lost: share(),
        doubled: share(),
        corrupted: share(),
        delayed: share(),
        delayMs: chance.pick([10, 500, 9_000]),
      }),
      (at) => ({
        type: 'packets',
        at,
        lasts: chance.pick([5_000, 30_000]),
        network: on(),
        lost: share(),
        doubled: share(),
        corrupted: share(),
        delayed: share(),
        delayMs: chance.pick([10, 500, 9_000]),
      }),
      (at) => ({
        type: 'forger',
        at,
        lasts: chance.pick([10_000, 60_000]),
        network: on(),
        everyMs: chance.pick([50, 400, 3_000]),
      }),
      (at) =>
        killed(chance.pick([...controllers(replicas), ...agents(networks)]), at, chance.pick([1, 5_000])),
    ]
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 25_000 }),
        ...traffic(chance, chance.integer(4, 16), machines, all),
        ...times(3, (index) => machine(within(chance, all), machines + index, networkOf(networks, index))),
      ],
      faults: moments(chance, chance.integer(2, 6), all).map((at) => chance.pick(kinds)(at)),
    }
  },
})
