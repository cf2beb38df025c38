import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agents, controllers, diesWriting, killed } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { machine, moments, times, vmName, within } from './fleet.ts'

/** VMs are made, deleted and made again under their names and MACs, and moved between networks; pools hardly suffice. */
export const vmChurn = scenarioOf({
  name: 'vm-churn',
  description: 'VMs are deleted and recreated under the same names and MACs, from pools that hardly suffice',
  reaches: [
    'crash after-write × patch ippools/status',
    'crash before-write × patch ippools/status',
    'message doubled × release',
    'message delayed × release',
    'API late × patch',
  ],
  day(chance) {
    const machines = chance.integer(3, 8)
    const size = Math.max(machines + chance.pick([-1, 0, 1]), 2)
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, size, chance.pick([10, 20])))
    const replicas = chance.integer(1, 2)
    const durationMs = 120_000
    const all = { from: 2_000, to: durationMs - 1 }
    const again = (number: number, from: number): Operation[] => {
      const gap = chance.pick([0, 100, 2_000, 7_000])
      const vm = vmName(number)
      return [
        { type: 'vm-delete', at: from, vm },
        machine(from + gap, number, chance.pick(networks), { running: chance.happens(0.9) }),
      ]
    }
    const rounds = moments(chance, chance.integer(8, 30), all).flatMap((at): Operation[] => {
      const number = chance.integer(0, machines - 1)
      if (chance.happens(0.7)) return again(number, at)
      return [
        { type: 'nic-move', at, vm: vmName(number), nic: 'nic-0', network: chance.pick(networks).name },
        ...(chance.happens(0.5)
          ? [
              {
                type: 'nic-move' as const,
                at: at + chance.integer(10, 3_000),
                vm: vmName(number),
                nic: 'nic-0',
                network: chance.pick(networks).name,
              },
            ]
          : []),
      ]
    })
    const kinds: readonly ((at: number) => Fault)[] = [
      (at) =>
        killed(chance.pick([...controllers(replicas), ...agents(networks)]), at, chance.pick([1, 3_000])),
      (at) => diesWriting(chance, chance.pick(controllers(replicas)), at, chance.pick([1, 3_000])),
      (at) => diesWriting(chance, chance.pick(controllers(replicas)), at, chance.pick([1, 3_000])),
      (at) => ({
        type: 'messages',
        at,
        lasts: 20_000,
        from: '*',
        to: '*',
        lost: chance.pick([0, 0.2]),
        doubled: 0.5,
        delayed: 0.5,
        delayMs: chance.pick([100, 4_000, 15_000]),
      }),
      (at) => ({
        type: 'api-errors',
        at,
        lasts: 15_000,
        process: '*',
        share: 0.3,
        error: chance.pick(['late', 'late', 'conflict', 'silence']),
      }),
      (at) => ({
        type: 'stale-lists',
        at,
        lasts: 20_000,
        process: '*',
        behindMs: chance.pick([1_000, 8_000]),
      }),
      (at) => ({ type: 'watches', at, process: '*', how: chance.pick(['closed', 'gone', 'silent']) }),
    ]
    // While something is being deleted, or made again.
    const busy = () => Math.min(chance.pick(rounds).at + chance.integer(0, 300), durationMs - 1)
    return {
      networks,
      controllers: replicas,
      localFirst: chance.happens(0.4),
      durationMs,
      operations: [
        ...times(machines, (number) =>
          machine(within(chance, { from: 2_000, to: 8_000 }), number, chance.pick(networks)),
        ),
        ...rounds,
      ],
      faults: times(chance.integer(1, 5), () => chance.pick(kinds)(busy())),
    }
  },
})
