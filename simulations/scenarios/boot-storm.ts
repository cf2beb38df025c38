import type { Fault } from '../plan/faults.ts'
import type { Chance } from '../world/chance.ts'
import { agent, agents, controllers, diesWriting, killed, stopped } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, networkOf, type Span, times, traffic, within } from './fleet.ts'

/** A site comes back after a power cut: more than a hundred VMs at once, and things break while they boot. */
export const bootStorm = scenarioOf({
  name: 'boot-storm',
  description: 'a hundred VMs and more boot at once, and things break while they do',
  reaches: [
    'crash × controller leading',
    'crash after-write × patch',
    'pause × agent serving',
    'packet lost × SELECTING',
    'message lost × delta',
    'API slow × patch ippools/status',
    'API throttled × patch',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, 160, chance.pick([60, 120])))
    const count = chance.integer(100, 150)
    const begins = chance.integer(2_000, 6_000)
    const storm = { from: begins, to: begins + chance.pick([300, 3_000, 8_000]) }
    const replicas = chance.integer(1, 3)
    const leader = () => chance.pick(controllers(replicas))
    const served = () => chance.pick(networks)
    // VMs take seconds to boot: the storm of packets comes after the storm of objects.
    const during: Span = { from: storm.from, to: storm.to + 8_000 }
    return {
      networks,
      controllers: replicas,
      durationMs: 45_000,
      operations: [
        ...fleet(chance, count, networks, storm),
        ...traffic(chance, chance.integer(0, 20), count, { from: storm.from, to: 40_000 }),
      ],
      faults: times(chance.integer(1, 4), (index) => {
        const kinds: readonly ((at: number) => Fault)[] = [
          (at) => killed(leader(), at, chance.pick([1, 3_000, 20_000])),
          (at) => diesWriting(chance, leader(), at, chance.pick([1, 3_000])),
          (at) => diesWriting(chance, chance.pick(agents(networks)), at, chance.pick([1, 3_000])),
          (at) => killed(agent(networkOf(networks, index)), at, chance.pick([1, 5_000])),
          (at) => stopped(chance.pick([leader(), agent(served())]), at, chance.pick([2_000, 18_000])),
          (at) => overload(chance, at),
          (at) => ({ type: 'api-slow', at, lasts: 10_000, process: '*', upToMs: chance.pick([200, 3_000]) }),
          (at) => lossy(chance, at, served().name),
          (at) => ({ type: 'broker-down', at, lasts: chance.pick([500, 6_000]) }),
          (at) => ({
            type: 'messages',
            at,
            lasts: 10_000,
            from: '*',
            to: '*',
            lost: chance.pick([0.1, 0.5]),
            doubled: 0.2,
            delayed: 0.3,
            delayMs: 2_000,
          }),
          (at) => ({ type: 'slow-consumer', at, lasts: 5_000, process: agent(served()), keeps: 5 }),
        ]
        return chance.pick(kinds)(within(chance, during))
      }),
    }
  },
})

/** What an API server does that a hundred VMs ask at once. */
function overload(chance: Chance, at: number): Fault {
  const error = chance.pick(['throttled', 'internal', 'late', 'silence', 'conflict'] as const)
  return { type: 'api-errors', at, lasts: 8_000, process: '*', share: chance.pick([0.1, 0.4]), error }
}

function lossy(chance: Chance, at: number, on: string): Fault {
  const lost = chance.pick([0.1, 0.4])
  return {
    type: 'packets',
    at,
    lasts: 8_000,
    network: on,
    lost,
    doubled: 0.1,
    corrupted: 0,
    delayed: 0.3,
    delayMs: 500,
  }
}
