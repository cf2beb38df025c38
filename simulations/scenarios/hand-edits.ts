import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import type { NetworkPlan } from '../plan/plan.ts'
import { agents, controllers, diesWriting, killed } from './blows.ts'
import { mac, network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { addressIn, fleet, machine, moments, networkOf, times, traffic, vmName, within } from './fleet.ts'

/** Operators who know better: they edit status, delete VirtualMachineNetworkConfigs and pools, and pin addresses twice. */
export const handEdits = scenarioOf({
  name: 'hand-edits',
  description: 'operators edit status, delete configs and pools by hand, and pin one address twice',
  reaches: ['crash × controller', 'crash × agent', 'crash after-write × patch'],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, chance.pick([5, 15]), 20))
    const replicas = chance.integer(1, 2)
    const machines = chance.integer(3, 9)
    const durationMs = 150_000
    const all = { from: 8_000, to: durationMs - 30_000 }
    const on = () => chance.pick(networks)
    const vm = () => vmName(chance.integer(0, machines - 1))
    const kinds: readonly ((at: number) => Operation[])[] = [
      (at) => [editedBy(on(), at, (pool) => ({ [addressIn(chance, pool)]: null }))],
      (at) => [
        editedBy(on(), at, (pool) => ({ [addressIn(chance, pool)]: mac(chance.integer(0, machines + 3)) })),
      ],
      (at) => [editedBy(on(), at, (pool) => ({ [addressIn(chance, pool)]: 'nonsense' }))],
      (at) => [{ type: 'status-edit', at, pool: on().name, status: { ipv4: { used: 77, available: 3 } } }],
      (at) => [{ type: 'status-edit', at, pool: on().name, status: { ipv4: null } }],
      (at) => [{ type: 'status-edit', at, pool: on().name, status: { ipv4: { revision: 1 } } }],
      (at) => [{ type: 'status-edit', at, pool: on().name, status: { conditions: [] } }],
      (at) => [editedBy(on(), at, () => ({ 'not an address': 'nor a MAC', '10.0.1': '02:00', '': '' }))],
      (at) => [
        {
          type: 'status-edit',
          at,
          pool: on().name,
          status: chance.pick([
            { ipv4: { allocated: null, resting: null }, conditions: null },
            { agentPodRef: null, servedSpec: null, observedGeneration: null },
            { ipv4: { resting: { '10.0.1.10': { macAddress: 'nobody', until: '2999-01-01T00:00:00Z' } } } },
            { ipv4: { revision: 2 ** 42 } },
            { agentPodRef: { name: 'somebody' } },
            { conditions: [{ type: 'Registered', status: 'Maybe' }] },
          ]),
        },
      ],
      (at) => [{ type: 'config-delete', at, vm: vm() }],
      (at) => [{ type: 'config-delete', at, vm: vm() }],
      (at) => {
        const pin = addressIn(chance, on())
        return times(2, () => ({
          type: 'pin',
          at: at + chance.integer(0, 2_000),
          vm: vm(),
          nic: 'nic-0',
          pin,
        }))
      },
      (at) => [{ type: 'pin', at, vm: vm(), nic: 'nic-0' }],
      (at) => [{ type: 'pool-create', at, pool: on().name, rival: true }],
      (at) => {
        const pool = on().name
        return [
          { type: 'pool-delete', at, pool },
          { type: 'pool-create', at: at + chance.pick([100, 3_000, 20_000]), pool },
        ]
      },
    ]
    const done = moments(chance, chance.integer(3, 9), all).flatMap((at) => chance.pick(kinds)(at))
    const processes = [...controllers(replicas), ...agents(networks)]
    const faults: readonly ((at: number) => Fault)[] = [
      (at) => killed(chance.pick(processes), at, chance.pick([1, 3_000, 15_000])),
      (at) => diesWriting(chance, chance.pick(processes), at, chance.pick([1, 3_000])),
      (at) => ({ type: 'watches', at, process: '*', how: chance.pick(['closed', 'gone', 'silent']) }),
    ]
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 20_000 }),
        ...traffic(chance, chance.integer(2, 12), machines, all),
        ...times(3, (index) => machine(within(chance, all), machines + index, networkOf(networks, index))),
        ...done,
        // Nobody leaves a network without its pool, or with two.
        ...networks.flatMap(({ name: pool }): Operation[] => [
          { type: 'pool-create', at: durationMs - 1_000, pool },
          { type: 'pool-delete', at: durationMs - 500, pool, rival: true },
        ]),
      ],
      // Before those who run have noticed, or while they put it right.
      faults: times(chance.integer(0, 4), () =>
        chance.pick(faults)(chance.pick(done).at + chance.integer(0, 500)),
      ),
    }
  },
})

function editedBy(
  on: NetworkPlan,
  at: number,
  allocated: (on: NetworkPlan) => Record<string, string | null>,
): Operation {
  return { type: 'status-edit', at, pool: on.name, status: { ipv4: { allocated: allocated(on) } } }
}
