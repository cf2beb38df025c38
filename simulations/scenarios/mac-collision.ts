import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agents, controllers, killed } from './blows.ts'
import { mac, network, nic } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { moments, times, vmName, within } from './fleet.ts'

/** VMs were copied with their MACs: several ask for one MAC, on one network and on several, and come and go. */
export const macCollision = scenarioOf({
  name: 'mac-collision',
  description: 'several VMs share one MAC, on one network and on several, and come and go',
  reaches: [
    'crash × controller leading',
    'crash × agent serving',
    'API conflict × patch',
    'watches closed × controller',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 3), (index) => network(index + 1, 12, chance.pick([20, 40])))
    const replicas = chance.integer(1, 2)
    const machines = chance.integer(3, 9)
    const macs = chance.integer(1, 4)
    const durationMs = 120_000
    const all = { from: 2_000, to: durationMs - 1 }
    const number = () => chance.integer(1, macs)
    const vm = () => vmName(chance.integer(0, machines - 1))
    const create = (at: number): Operation => {
      const first = nic('nic-0', chance.pick(networks), number())
      // The two NICs of one VM may be twins, too.
      const nics = chance.happens(0.3) ? [first, nic('nic-1', chance.pick(networks), number())] : [first]
      return { type: 'vm-create', at, vm: vm(), nics, running: chance.happens(0.9) }
    }
    const kinds: readonly ((at: number) => Operation)[] = [
      create,
      create,
      create,
      (at) => ({ type: 'vm-delete', at, vm: vm() }),
      (at) => ({ type: 'vm-delete', at, vm: vm() }),
      (at) => ({ type: 'mac-change', at, vm: vm(), nic: 'nic-0', mac: mac(number()) }),
      (at) => ({ type: 'nic-move', at, vm: vm(), nic: 'nic-0', network: chance.pick(networks).name }),
      (at) => ({ type: 'vm-stop', at, vm: vm() }),
      (at) => ({ type: 'vm-start', at, vm: vm() }),
      (at) => ({ type: 'config-pause', at, vm: vm(), paused: chance.happens(0.4) }),
      (at) => ({ type: 'nic-add', at, vm: vm(), nic: nic('nic-2', chance.pick(networks), number()) }),
    ]
    const faults: readonly ((at: number) => Fault)[] = [
      (at) => killed(chance.pick(controllers(replicas)), at, chance.pick([1, 5_000])),
      (at) => killed(chance.pick(agents(networks)), at, chance.pick([1, 5_000])),
      (at) => ({ type: 'api-errors', at, lasts: 10_000, process: '*', share: 0.4, error: 'conflict' }),
      (at) => ({ type: 'watches', at, process: '*', how: chance.pick(['closed', 'gone']) }),
    ]
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...times(machines, () => create(within(chance, { from: 2_000, to: 12_000 }))),
        ...moments(chance, chance.integer(10, 30), all).map((at) => chance.pick(kinds)(at)),
      ],
      faults: moments(chance, chance.integer(0, 4), all).map((at) => chance.pick(faults)(at)),
    }
  },
})
