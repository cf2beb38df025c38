import { expect, test } from 'vitest'
import type { Operation } from '../../../simulations/plan/operations.ts'
import { simulate } from '../../../simulations/runner/simulate.ts'
import { mac, network, nic } from '../../../simulations/scenarios/cluster.ts'
import { aPlan } from '../report/builders.ts'

const TIMEOUT = 300_000
/** One address, and two networks. */
const LAN = network(1, 1, 20)
const WIDE = network(2, 9, 20)

const machine = (at: number, vm: string, number: number, on = LAN): Operation => ({
  type: 'vm-create',
  at,
  vm,
  nics: [nic('nic-0', on, number)],
  running: true,
})

/** What clients were told and gave up, a line each. */
async function leasesIn(operations: readonly Operation[], networks = [LAN, WIDE]) {
  const plan = aPlan({
    controllers: 1,
    leaderElection: true,
    networks,
    durationMs: 120_000,
    operations: [...operations],
  })
  const { trace = [], violations } = await simulate(plan, { keepTrace: true })
  const leases = trace.flatMap(({ at, kind, who, text, about }) =>
    kind === 'lease' && !text.startsWith('renewed') ? [{ at, who, text, mac: about[0] }] : [],
  )
  return { leases, violations }
}

test(
  'a guest keeps its old MAC until it is started again: its address is not renewed, and rests',
  async () => {
    const { leases, violations } = await leasesIn([
      machine(1_000, 'vm-0', 1),
      { type: 'mac-change', at: 30_000, vm: 'vm-0', nic: 'nic-0', mac: mac(9), follows: 'restart' },
      { type: 'vm-stop', at: 70_000, vm: 'vm-0' },
      { type: 'vm-start', at: 80_000, vm: 'vm-0' },
    ])

    expect(violations).toEqual([])
    expect(leases.map((lease) => [lease.mac, lease.text.split(' ')[0]])).toEqual([
      [mac(1), 'bound'],
      [mac(1), 'gives'],
      [mac(9), 'bound'],
    ])
    expect(leases[1]?.at).toBeLessThan(55_000)
  },
  TIMEOUT,
)

test(
  'a VM whose deletion is forced while its instance is still there: its address rests until the guest lost it',
  async () => {
    const { leases, violations } = await leasesIn([
      machine(1_000, 'vm-0', 1),
      { type: 'node-lost', at: 20_000, vm: 'vm-0', lasts: 90_000, isCutOff: false },
      { type: 'vm-delete', at: 25_000, vm: 'vm-0' },
      machine(26_000, 'vm-1', 2),
      { type: 'force-delete', at: 40_000, vm: 'vm-0', what: 'machine' },
    ])

    expect(violations).toEqual([])
    expect(leases.map((lease) => [lease.mac, lease.text.split(' ')[0]])).toEqual([
      [mac(1), 'bound'],
      [mac(1), 'gives'],
      [mac(2), 'bound'],
    ])
    expect(leases[1]?.at).toBeGreaterThan(40_000)
  },
  TIMEOUT,
)

test(
  'who forces away instance and VM promises that the guest does not run: its lease counts no more',
  async () => {
    const { leases, violations } = await leasesIn([
      machine(1_000, 'vm-0', 1),
      { type: 'node-lost', at: 20_000, vm: 'vm-0', lasts: 90_000, isCutOff: false },
      { type: 'vm-delete', at: 25_000, vm: 'vm-0' },
      machine(26_000, 'vm-1', 2),
      { type: 'force-delete', at: 40_000, vm: 'vm-0', what: 'instance' },
    ])

    expect(violations).toEqual([])
    expect(leases.map(({ text }) => text)).toContain('gives up 10.0.1.10: disowned')
    expect(leases.at(-1)?.mac).toBe(mac(2))
  },
  TIMEOUT,
)

test(
  'a VM that is started elsewhere has its address, also while its old guest runs on',
  async () => {
    const { leases, violations } = await leasesIn([
      machine(1_000, 'vm-0', 1),
      { type: 'node-lost', at: 20_000, vm: 'vm-0', lasts: 60_000, isCutOff: false },
      { type: 'force-delete', at: 30_000, vm: 'vm-0', what: 'instance' },
    ])

    expect(violations).toEqual([])
    expect(leases.filter(({ text }) => text.startsWith('bound 10.0.1.10')).map(({ who }) => who)).toEqual([
      'client vm-0/nic-0',
      'client vm-0/nic-0 (2)',
    ])
  },
  TIMEOUT,
)

test(
  'a guest is bound wherever its MAC stands, and whatever the pool of its network is called',
  async () => {
    const named = { ...WIDE, pool: { namespace: 'harvester-system', name: 'lan.v1' } }
    const { leases, violations } = await leasesIn(
      [
        {
          type: 'vm-create',
          at: 1_000,
          vm: 'vm-0',
          nics: [
            { ...nic('nic-0', named, 1), macIn: 'annotation' },
            { ...nic('nic-1', named, 2), macIn: 'instance', bareName: true },
          ],
          running: true,
        },
      ],
      [named],
    )

    expect(violations).toEqual([])
    expect(leases.map((lease) => lease.mac).sort()).toEqual([mac(1), mac(2)])
  },
  TIMEOUT,
)
