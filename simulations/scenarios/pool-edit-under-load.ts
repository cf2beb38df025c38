import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agents, controllers, diesWriting, killed } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { addressIn, fleet, machine, moments, networkOf, times, traffic, vmName } from './fleet.ts'
import { mistakeFor, pausedFor, poolEdits, restored } from './pool-edits.ts'

/** Pools grow and shrink, exclude, are paused, spoiled and put right, while VMs come and go. */
export const poolEditUnderLoad = scenarioOf({
  name: 'pool-edit-under-load',
  description: 'pools are edited, spoiled, put right and paused while VMs come and go',
  reaches: [
    'watches closed × controller',
    'watches gone × controller',
    'crash × controller leading',
    'API conflict × patch',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, chance.pick([6, 15, 40]), 20))
    const replicas = chance.integer(1, 2)
    const machines = chance.integer(4, 12)
    const durationMs = 150_000
    const all = { from: 8_000, to: durationMs - 20_000 }
    const processes = [...controllers(replicas), ...agents(networks)]
    const edits = networks.flatMap((on): Operation[] => {
      const spoiled = chance.happens(0.5)
        ? mistakeFor(chance, on, chance.integer(10_000, 90_000), chance.integer(100, 20_000))
        : []
      const paused = chance.happens(0.5)
        ? pausedFor(on, chance.integer(10_000, 90_000), chance.integer(100, 20_000))
        : []
      const last = chance.happens(0.5) || spoiled.length > 0 ? [restored(on, durationMs - 5_000)] : []
      return [...poolEdits(chance, on, chance.integer(2, 9), all), ...spoiled, ...paused, ...last]
    })
    const pins: Operation[] = times(chance.integer(0, 3), () => ({
      type: 'pin',
      at: chance.integer(all.from, all.to),
      vm: vmName(chance.integer(0, machines - 1)),
      nic: 'nic-0',
      pin: addressIn(chance, chance.pick(networks)),
    }))
    const kinds: readonly ((at: number) => Fault)[] = [
      (at) => killed(chance.pick(processes), at, chance.pick([1, 2_000])),
      (at) => diesWriting(chance, chance.pick(processes), at, chance.pick([1, 2_000])),
      (at) => ({ type: 'watches', at, process: '*', how: chance.pick(['closed', 'gone', 'silent']) }),
      (at) => ({ type: 'stale-lists', at, lasts: 10_000, process: '*', behindMs: 5_000 }),
      (at) => ({
        type: 'api-errors',
        at,
        lasts: 10_000,
        process: '*',
        share: 0.4,
        error: chance.pick(['conflict', 'late', 'throttled']),
      }),
    ]
    // Right after an edit, when everybody is busy with it.
    const afterAnEdit = () => Math.min(chance.pick(edits).at + chance.integer(0, 60), durationMs - 1)
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 30_000 }),
        ...traffic(chance, chance.integer(6, 20), machines, all),
        ...moments(chance, chance.integer(2, 10), all).map((at) => {
          const number = chance.integer(0, machines + 5)
          return machine(at, number, networkOf(networks, number))
        }),
        ...pins,
        ...edits,
      ],
      faults: times(chance.integer(0, 4), () => chance.pick(kinds)(afterAnEdit())),
    }
  },
})
