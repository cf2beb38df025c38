import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agents, controllers, diesWriting, killed } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, moments, times, vmName, within } from './fleet.ts'

const HOUR = 3_600_000

/**
 * The API, the broker and every controller are away for most of a day, and longer than every lease: guests renew, and
 * boot again; agents end and start from their state files.
 */
export const controlPlaneDark = scenarioOf({
  name: 'control-plane-dark',
  description: 'the API, the broker and all controllers are down for a day: agents serve what they know',
  reaches: ['API down × list ippools', 'crash × agent serving', 'broker lost × agent serving'],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) =>
      network(index + 1, 20, chance.pick([1_800, 3_600])),
    )
    const machines = chance.integer(3, 8)
    const replicas = chance.integer(1, 2)
    const dark = { from: 60_000, to: chance.pick([4, 8, 23]) * HOUR }
    const lasts = dark.to - dark.from
    const durationMs = dark.to + 120_000
    const reboots: Operation[] = times(chance.integer(3, 10), () => ({
      type: 'guest-reboot',
      at: within(chance, { from: 30_000, to: dark.to }),
      vm: vmName(chance.integer(0, machines - 1)),
    }))
    const restarts: Fault[] = moments(chance, chance.integer(1, 5), dark).map((at) => {
      const process = chance.pick(agents(networks))
      return chance.happens(0.8)
        ? killed(process, at, chance.pick([1, 2_000, 60_000]))
        : diesWriting(chance, process, at, 2_000)
    })
    // Not all of them in one moment.
    const fails = () => dark.from + chance.integer(0, 4_000)
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 3_000, to: 40_000 }),
        ...reboots,
        // When the light is on again.
        machine(dark.to + 10_000, machines, networks[0] ?? network(1, 20, 3_600)),
        { type: 'vm-delete', at: dark.to + 20_000, vm: vmName(0) },
      ],
      faults: [
        { type: 'api-down', at: fails(), lasts },
        { type: 'broker-down', at: fails(), lasts },
        ...controllers(replicas).map((name) => killed(name, fails(), lasts)),
        ...restarts,
      ],
    }
  },
})
