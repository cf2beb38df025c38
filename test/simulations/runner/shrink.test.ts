import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../simulations/plan/faults.ts'
import type { Operation } from '../../../simulations/plan/operations.ts'
import { type Plan, planSchema } from '../../../simulations/plan/plan.ts'
import type { Violation } from '../../../simulations/runner/result.ts'
import { type ShrinkOptions, shrink } from '../../../simulations/runner/shrink.ts'
import { network, nic } from '../../../simulations/scenarios/cluster.ts'
import { mix } from '../../../simulations/scenarios/mix.ts'
import { aPlan, aViolation } from '../report/builders.ts'

const NET_1 = network(1, 40, 60)
const NET_2 = network(2, 40, 60, 2)
const create = (vm: string, at = 0): Operation => ({
  type: 'vm-create',
  at,
  vm,
  nics: [nic('nic-0', NET_1, 1, '10.0.1.20'), nic('nic-1', NET_2, 2)],
  running: true,
})
const crash = (process: string, at: number): Fault => ({
  type: 'crash',
  at,
  process,
  moment: 'after-write',
  downMs: 30_000,
})
const lossy = (at: number): Fault => ({
  type: 'messages',
  at,
  lasts: 40_000,
  from: '*',
  to: '*',
  lost: 0.5,
  doubled: 0.2,
  delayed: 0.2,
  delayMs: 20_000,
})

/** Twenty VMs, two networks and all kinds of trouble. */
const LARGE = aPlan({
  controllers: 3,
  leaderElection: false,
  localFirst: false,
  networks: [NET_1, NET_2],
  durationMs: 300_000,
  operations: Array.from({ length: 20 }, (_, index) => create(`vm-${index}`, index * 10_000)),
  faults: [lossy(5_000), crash('controller-1', 50_000), crash('agent-net-2-1', 70_000), lossy(150_000)],
})

const hasCrash = (plan: Plan) =>
  plan.faults.some((fault) => fault.type === 'crash' && fault.process === 'controller-1')
const hasMachine = (plan: Plan) => plan.operations.some((it) => it.type === 'vm-create' && it.vm === 'vm-7')

function shrinkBy(
  plan: Plan,
  isBad: (plan: Plan) => boolean,
  options: Partial<ShrinkOptions> & { violated?: Violation } = {},
) {
  const { violated = aViolation({ at: 290_000 }), ...rest } = options
  const fails = async (candidate: Plan) => (isBad(candidate) ? violated : undefined)
  return shrink(plan, fails, { violation: violated, ...rest })
}

describe('a failing plan is made small', () => {
  test('only the operations and faults that matter are left, in a cluster no larger than they need', async () => {
    const { plan, isFinished } = await shrinkBy(LARGE, (it) => hasCrash(it) && hasMachine(it))
    expect(isFinished).toBe(true)
    expect(plan.operations).toEqual([expect.objectContaining({ vm: 'vm-7', nics: [nic('nic-1', NET_2, 2)] })])
    expect(plan.faults).toEqual([
      expect.objectContaining({ type: 'crash', process: 'controller-1', moment: 'now' }),
    ])
    expect(plan).toMatchObject({ controllers: 1, leaderElection: true, localFirst: true })
    expect(plan.networks).toEqual([{ ...NET_2, agents: 1 }])
  })

  test('nothing waits long, and all is healed after the last thing that happens', async () => {
    const { plan } = await shrinkBy(LARGE, (it) => hasCrash(it) && hasMachine(it))
    const moments = [...plan.operations, ...plan.faults].map(({ at }) => at)
    expect(Math.max(...moments)).toBeLessThanOrEqual(4_000)
    expect(plan.durationMs).toBe(Math.max(...moments) + 1)
  })

  test('a link that loses half of its messages loses all or none, and does nothing else', async () => {
    const isLossy = (plan: Plan) => plan.faults.some((it) => it.type === 'messages' && it.lost > 0)
    const { plan } = await shrinkBy(LARGE, isLossy)
    expect(plan.faults).toEqual([expect.objectContaining({ lost: 1, doubled: 0, delayed: 0 })])
  })

  test('a fault that has to last so long still does', async () => {
    const isLong = (plan: Plan) => plan.faults.some((it) => it.type === 'messages' && it.lasts >= 9_000)
    const { plan } = await shrinkBy(LARGE, isLong)
    expect(plan.faults).toEqual([expect.objectContaining({ lasts: 10_000 })])
  })

  test('guests follow at once, NICs and pools have their usual names, and pauses are short', async () => {
    const plan = aPlan({
      networks: [{ ...NET_1, pool: { namespace: 'harvester-system', name: 'lan.v1' } }],
      operations: [
        {
          type: 'vm-create',
          at: 0,
          vm: 'vm-7',
          nics: [{ ...nic('nic-0', NET_1, 1), macIn: 'instance', bareName: true }],
          running: true,
        },
        {
          type: 'mac-change',
          at: 1_000,
          vm: 'vm-7',
          nic: 'nic-0',
          mac: '02:00:00:00:00:09',
          follows: 'restart',
        },
        { type: 'guest-pause', at: 2_000, vm: 'vm-7', lasts: 60_000, clock: 'put-right' },
      ],
    })
    const { plan: small } = await shrinkBy(plan, ({ operations }) => operations.length === 3)

    expect(small.networks).toEqual([NET_1])
    expect(small.operations).toMatchObject([
      { nics: [nic('nic-0', NET_1, 1)] },
      { type: 'mac-change', mac: '02:00:00:00:00:09' },
      { type: 'guest-pause', lasts: 938 },
    ])
    expect(small.operations[1]).not.toHaveProperty('follows')
  })

  test('what comes after the violation is cut off first', async () => {
    const seen: Plan[] = []
    const violated = aViolation({ at: 60_000 })
    const fails = async (plan: Plan) => {
      seen.push(plan)
      return violated
    }
    await shrink(LARGE, fails, { violation: violated, mostRuns: 1 })
    expect(seen).toHaveLength(1)
    expect(Math.max(...(seen[0]?.operations ?? []).map(({ at }) => at))).toBe(60_000)
    expect(seen[0]?.faults.map(({ at }) => at)).toEqual([5_000, 50_000])
  })

  test('another seed is taken where it makes a part superfluous', async () => {
    const isBad = (plan: Plan) => hasCrash(plan) && (hasMachine(plan) || plan.seed !== LARGE.seed)
    const { plan } = await shrinkBy(LARGE, isBad)
    expect(plan.operations).toEqual([])
    expect(plan.seed).toBe(LARGE.seed + 1)
  })

  test('a plan that violates another law is not taken', async () => {
    const fails = async (plan: Plan) =>
      aViolation({ law: hasCrash(plan) ? 'one holder' : 'no crash', at: 290_000 })
    const { plan, violation } = await shrink(LARGE, fails, { violation: aViolation({ at: 290_000 }) })
    expect(violation.law).toBe('one holder')
    expect(plan.faults).toEqual([expect.objectContaining({ process: 'controller-1' })])
  })
})

describe('shrinking ends', () => {
  test('after so many runs, with the smallest plan so far', async () => {
    const { runs, isFinished, plan } = await shrinkBy(LARGE, hasMachine, { mostRuns: 7 })
    expect({ runs, isFinished }).toEqual({ runs: 7, isFinished: false })
    expect(hasMachine(plan)).toBe(true)
  })

  test('when there is no time, with the plan itself', async () => {
    const { runs, isFinished, plan } = await shrinkBy(LARGE, hasMachine, { isOutOfTime: () => true })
    expect({ runs, isFinished, plan }).toEqual({ runs: 0, isFinished: false, plan: LARGE })
  })

  test('at once for a plan that never fails again', async () => {
    const { plan } = await shrinkBy(LARGE, () => false)
    expect(plan).toEqual(LARGE)
  })
})

test('what comes out depends neither on how many are tried at once nor on which is faster', async () => {
  const isBad = (plan: Plan) => hasCrash(plan) && hasMachine(plan)
  const alone = await shrinkBy(LARGE, isBad)
  for (const parallel of [2, 3, 16]) expect(await shrinkBy(LARGE, isBad, { parallel })).toEqual(alone)
  let turn = 0
  const lazy = async (plan: Plan) => {
    for (let wait = turn++ % 5; wait > 0; wait--) await Promise.resolve()
    return isBad(plan) ? aViolation({ at: 290_000 }) : undefined
  }
  const violation = aViolation({ at: 290_000 })
  expect(await shrink(LARGE, lazy, { violation, parallel: 4 })).toEqual(alone)
})

test('every plan that is tried is one that a file may hold', async () => {
  for (let seed = 0; seed < 8; seed++) {
    let tries = 0
    const isBad = (plan: Plan) => {
      expect(planSchema.parse(plan)).toEqual(plan)
      return tries++ % 3 === 0
    }
    await shrinkBy(mix.plan(seed), isBad, { mostRuns: 60 })
  }
})

test('it tells how far it is', async () => {
  const told: number[] = []
  const { runs } = await shrinkBy(LARGE, hasMachine, { progress: (progress) => told.push(progress.runs) })
  expect(told.at(-1)).toBe(runs)
  expect(told).toEqual([...told].sort((a, b) => a - b))
})
