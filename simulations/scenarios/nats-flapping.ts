import type { Fault } from '../plan/faults.ts'
import { agents, controllers, cutOff, diesWriting } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, moments, networkOf, times, traffic } from './fleet.ts'

/** The broker is there and away, again and again; what it carries is lost, late, doubled, or too much for who listens. */
export const natsFlapping = scenarioOf({
  name: 'nats-flapping',
  description: 'the broker comes and goes, and loses, doubles and delays what it carries',
  reaches: [
    'broker lost × controller leading',
    'broker lost × agent serving',
    'message cut off × agent-report',
    'message lost × delta',
    'message doubled × delta',
    'message delayed × delta',
    'message corrupted × delta',
    'message corrupted × allocate',
    'slow consumer drops × agent-report',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, 20, chance.pick([20, 40])))
    const replicas = chance.integer(1, 3)
    const processes = [...controllers(replicas), ...agents(networks)]
    const machines = chance.integer(4, 12)
    const durationMs = 90_000
    const all = { from: 2_000, to: durationMs - 5_000 }
    const share = () => chance.pick([0, 0.1, 0.4, 0.8])
    // While the VMs of the beginning get their addresses most is said.
    const whileAddressesAreGiven: Fault = {
      type: 'messages',
      at: chance.integer(2_000, 20_000),
      lasts: 15_000,
      from: '*',
      to: '*',
      lost: share(),
      doubled: share(),
      delayed: share(),
      delayMs: chance.pick([50, 2_000]),
      corrupted: share(),
    }
    const outages: Fault[] = moments(chance, chance.integer(4, 12), all).map((at) => ({
      type: 'broker-down',
      at,
      lasts: chance.pick([10, 300, 2_000, 8_000]),
    }))
    const kinds: readonly ((at: number) => Fault[])[] = [
      (at) => cutOff(chance.pick(processes), 'broker', at, chance.pick([1_000, 15_000])),
      (at) => {
        const [from, to] = chance.pick([
          [chance.pick(processes), 'broker'],
          ['broker', chance.pick(processes)],
        ] as const)
        return [{ type: 'cut', at, lasts: chance.pick([2_000, 20_000]), from, to }]
      },
      (at) => [
        {
          type: 'messages',
          at,
          lasts: chance.pick([5_000, 30_000]),
          from: '*',
          to: '*',
          lost: share(),
          doubled: share(),
          delayed: share(),
          delayMs: chance.pick([50, 2_000, 15_000]),
          ...(chance.happens(0.4) ? { corrupted: chance.pick([0.1, 0.4]) } : {}),
        },
      ],
      (at) => [
        {
          type: 'slow-consumer',
          at,
          lasts: 10_000,
          process: chance.pick(processes),
          keeps: chance.pick([0, 2, 20]),
        },
      ],
      (at) => [diesWriting(chance, chance.pick(processes), at, chance.pick([1, 3_000]))],
    ]
    return {
      networks,
      controllers: replicas,
      localFirst: chance.happens(0.3),
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 30_000 }),
        ...traffic(chance, chance.integer(6, 20), machines, { from: 15_000, to: durationMs - 1 }),
        ...moments(chance, 4, all).map((at, index) =>
          machine(at, machines + index, networkOf(networks, index)),
        ),
      ],
      faults: [
        ...outages,
        whileAddressesAreGiven,
        ...moments(chance, chance.integer(2, 6), all).flatMap((at) => chance.pick(kinds)(at)),
      ],
    }
  },
})
