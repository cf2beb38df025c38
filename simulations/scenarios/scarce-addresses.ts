import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agents, controllers, killed } from './blows.ts'
import { network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, moments, times, vmName } from './fleet.ts'

const STATUS_WRITE = 'patch ippools/status'

/**
 * More VMs than addresses: what one has to give back, while its client runs on, another waits for. Controllers die in the
 * middle of it, and lease times change.
 */
export const scarceAddresses = scenarioOf({
  name: 'scarce-addresses',
  description: 'more VMs than addresses: what one gives back while its client runs, another waits for',
  reaches: ['crash × controller leading', 'crash × agent serving', 'API conflict × patch'],
  day(chance) {
    const size = chance.integer(2, 4)
    const networks = [network(1, size, chance.pick([20, 40, 90]))]
    const replicas = chance.integer(1, 2)
    const machines = size + chance.integer(1, 4)
    const durationMs = 150_000
    const all = { from: 10_000, to: durationMs - 1 }
    const rounds = moments(chance, chance.integer(6, 16), all).flatMap((at): Operation[] => {
      const vm = vmName(chance.integer(0, machines - 1))
      const back = at + chance.pick([50, 2_000, 15_000, 40_000])
      if (chance.happens(0.3)) {
        const leaseTime = chance.pick([10, 10, 90, 120])
        return [
          { type: 'pool-edit', at, pool: 'net-1', spec: { ipv4Config: { leaseTime } } },
          { type: 'config-pause', at: at + chance.integer(100, 8_000), vm, paused: true },
        ]
      }
      if (chance.happens(0.1)) return [{ type: 'vm-delete', at, vm }]
      return [
        { type: 'config-pause', at, vm, paused: true },
        { type: 'config-pause', at: back, vm, paused: false },
      ]
    })
    const afterGivingBack = () => chance.pick(rounds).at + chance.integer(0, 8_000)
    const kinds: readonly ((at: number) => Fault)[] = [
      (at) => killed(chance.pick(controllers(replicas)), at, chance.pick([1, 300, 3_000])),
      (at) => killed(chance.pick(controllers(replicas)), at, chance.pick([1, 300, 3_000])),
      (at) => killed(chance.pick(agents(networks)), at, chance.pick([1, 3_000])),
      (at) => ({ type: 'api-errors', at, lasts: 10_000, process: '*', share: 0.5, error: 'conflict' }),
      (at) => ({ type: 'api-slow', at, lasts: 60_000, process: '*', upToMs: 10_000, request: STATUS_WRITE }),
    ]
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [...fleet(chance, machines, networks, { from: 2_000, to: 6_000 }), ...rounds],
      faults: times(chance.integer(1, 6), () => chance.pick(kinds)(afterGivingBack())),
    }
  },
})
