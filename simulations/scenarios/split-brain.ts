import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import type { NetworkPlan } from '../plan/plan.ts'
import type { Chance } from '../world/chance.ts'
import { controllers, cutOff, MOMENTS, nthOf, stopped } from './blows.ts'
import { network, nic } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { fleet, machine, moments, networkOf, times, traffic, vmName, within } from './fleet.ts'

/**
 * Two controllers or three of which each thinks that it leads: because nobody elects a leader, or because the leader was
 * stopped or cut off for longer than its Lease. What they had decided before reaches the API late.
 */
export const splitBrain = scenarioOf({
  name: 'split-brain',
  description: 'two controllers think that they lead, and what they decided reaches the API late',
  reaches: [
    'pause × controller leading',
    'clock jump × controller',
    'request cut off × get leases',
    'answer cut off × get leases',
    'message delayed × agent-report',
    'pause before-write × patch ippools/status',
    'API slow × patch ippools/status',
  ],
  day(chance) {
    const networks = times(chance.integer(1, 2), (index) => network(index + 1, chance.pick([5, 12]), 20))
    const replicas = chance.integer(2, 3)
    const leaderElection = chance.happens(0.5)
    const machines = chance.integer(4, 10)
    const durationMs = 120_000
    const all = { from: 8_000, to: durationMs - 10_000 }
    const one = () => chance.pick(controllers(replicas))
    // The Lease of a controller is 15 seconds long.
    const longerThanALease = () => chance.integer(14_000, 32_000)
    const kinds: readonly ((at: number) => Fault[])[] = [
      (at) => [stopped(one(), at, longerThanALease())],
      (at) => {
        // What it was about to write or to say is written and said when another leads.
        const moment = chance.pick(MOMENTS)
        const struck = { process: one(), moment, ...nthOf(chance, moment) }
        return [{ type: 'pause', at, lasts: longerThanALease(), ...struck }]
      },
      (at) => [
        { type: 'watch-lag', at, lasts: 30_000, process: one(), upToMs: chance.pick([2_000, 25_000]) },
      ],
      (at) => cutOff(one(), 'api', at, longerThanALease()),
      (at) => [{ type: 'cut', at, lasts: longerThanALease(), from: 'api', to: one() }],
      (at) => [{ type: 'api-slow', at, lasts: 20_000, process: one(), upToMs: chance.pick([3_000, 18_000]) }],
      (at) => [
        { type: 'stale-lists', at, lasts: 30_000, process: one(), behindMs: chance.pick([2_000, 20_000]) },
      ],
      (at) => [{ type: 'watches', at, process: one(), how: 'silent' }],
      (at) => [{ type: 'clock-jump', at, process: one(), byMs: chance.pick([-20_000, 20_000]) }],
      (at) => [
        {
          type: 'messages',
          at,
          lasts: 20_000,
          from: '*',
          to: one(),
          lost: 0.2,
          doubled: 0.4,
          delayed: 0.6,
          delayMs: chance.pick([2_000, 20_000]),
        },
      ],
    ]
    const again: Operation[] = times(chance.integer(2, 6), () => {
      const number = chance.integer(0, machines - 1)
      return machine(within(chance, all), number, networkOf(networks, number))
    })
    const moves: Operation[] = times(chance.integer(0, 3), () => ({
      type: 'nic-move',
      at: within(chance, all),
      vm: vmName(chance.integer(0, machines - 1)),
      nic: 'nic-0',
      network: chance.pick(networks).name,
    }))
    const late = chance.happens(0.6)
      ? lateRelease(
          chance,
          chance.integer(0, machines - 1),
          networks,
          within(chance, { from: 45_000, to: 75_000 }),
        )
      : { operations: [], faults: [] }
    return {
      networks,
      controllers: replicas,
      leaderElection,
      durationMs,
      operations: [
        ...fleet(chance, machines, networks, { from: 2_000, to: 40_000 }),
        ...traffic(chance, chance.integer(8, 24), machines, all),
        ...again,
        ...moves,
        ...late.operations,
      ],
      faults: [
        ...moments(chance, chance.integer(2, 7), all).flatMap((at) => chance.pick(kinds)(at)),
        ...late.faults,
      ],
    }
  },
})

/**
 * What the leader wrote when nobody asked any more is still under way when another leads, and somebody asks again: the
 * old write must not take away what the new leader has told.
 */
function lateRelease(chance: Chance, number: number, networks: readonly NetworkPlan[], at: number) {
  const leader = 'controller-1'
  const vm = vmName(number)
  const on = networkOf(networks, number)
  // Before another leads, or as it begins.
  const again = at + chance.integer(4_000, 26_000)
  const operations = chance.pick<readonly Operation[]>([
    [{ type: 'vm-delete', at, vm }, machine(again, number, on)],
    [
      { type: 'config-pause', at, vm, paused: true },
      { type: 'config-pause', at: again, vm, paused: false },
    ],
    [
      { type: 'nic-remove', at, vm, nic: 'nic-0' },
      { type: 'nic-add', at: again, vm, nic: nic('nic-0', on, number) },
    ],
  ])
  const faults: Fault[] = [
    { type: 'api-slow', at, lasts: 8_000, process: leader, upToMs: 40_000, request: 'patch ippools/status' },
    stopped(leader, at + chance.integer(500, 4_000), 45_000),
  ]
  return { operations, faults }
}
