import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agent, agents, controllers, killed, notYet, stopped } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, times, vmName, within } from './fleet.ts'

/** Nodes are emptied: waves of live migrations, some VMs again and again, agents among what has to move. */
export const massMigration = scenarioOf({
  name: 'mass-migration',
  description: 'nodes are emptied: all VMs migrate in waves, and the agents with them',
  reaches: [
    'crash × agent serving',
    'packet lost × RENEWING',
    'crash × controller',
    'pause × controller leading',
    'pause × agent serving',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, 60, chance.pick([20, 30]), 2))
    const replicas = chance.integer(1, 3)
    const machines = chance.integer(15, 40)
    const waves = times(chance.integer(2, 4), (index) => 20_000 + 15_000 * index + chance.integer(0, 5_000))
    const durationMs = 90_000
    const wave = () => within(chance, { from: 0, to: 4_000 }) + chance.pick(waves)
    const migrations: Operation[] = waves.flatMap((from) =>
      times(machines, (number) => ({
        type: 'vm-migrate',
        at: chance.integer(from, from + 4_000),
        vm: vmName(number),
      })),
    )
    const interrupted: Operation[] = times(chance.integer(0, 10), () => ({
      type: chance.pick(['guest-reboot', 'vm-stop', 'vm-start', 'vm-delete']),
      at: wave(),
      vm: vmName(chance.integer(0, machines - 1)),
    }))
    const moving = networks.flatMap((on): Fault[] => {
      const at = wave()
      return [
        notYet(agent(on, 2), at + chance.pick([0, 3_000])),
        killed(agent(on, 1), at + 1_000, durationMs),
      ]
    })
    const kinds: readonly ((at: number) => Fault)[] = [
      (at) => killed(chance.pick(controllers(replicas)), at, chance.pick([1, 4_000])),
      (at) => stopped(chance.pick(controllers(replicas)), at, chance.pick([3_000, 20_000])),
      (at) => stopped(chance.pick(agents(networks)), at, chance.pick([3_000, 20_000])),
      (at) => ({
        type: 'packets',
        at,
        lasts: 6_000,
        network: chance.pick(networks).name,
        lost: chance.pick([0.2, 0.6]),
        doubled: 0.2,
        corrupted: 0,
        delayed: 0.2,
        delayMs: 1_000,
      }),
      (at) => ({ type: 'broker-down', at, lasts: 5_000 }),
    ]
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 12_000 }),
        ...migrations,
        ...interrupted,
      ],
      faults: [...moving, ...times(chance.integer(1, 3), () => chance.pick(kinds)(wave()))],
    }
  },
})
