import { describe, expect, test } from 'vitest'
import { type IPPool, ipPoolSchema } from '../../../src/api/ippool.ts'
import { condition, poolObject, TEST_MAC } from '../../support/objects.ts'
import { PoolDriver } from './driver.ts'

const ADDRESS = '192.168.48.84'

/** A leader that was stopped while the write by which it gives the VM's address back was on its way. */
function oldLeader(): { stored: IPPool; lastWrite: { patch: Record<string, unknown>; result: IPPool } } {
  const old = PoolDriver.of(
    poolObject({
      status: {
        observedGeneration: 1,
        conditions: [condition('Registered', 'True')],
        ipv4: { allocated: { [ADDRESS]: TEST_MAC }, used: 1, available: 7, revision: 5 },
      },
    }),
  )
  const stored = ipPoolSchema.parse(old.state.pool)
  old.release()
  old.wanted(false)
  const [write] = old.all('commit')
  return { stored, lastWrite: { patch: write?.patch ?? {}, result: old.written() } }
}

test("a lease that a new leader told is not taken away by the old leader's last write", () => {
  const { stored, lastWrite } = oldLeader()

  const leader = PoolDriver.started(stored)
  const token = leader.allocate()
  expect(leader.replyTo(token)).toBeUndefined()
  leader.commit()
  leader.looked()

  expect(leader.replyTo(token)).toEqual({ outcome: 'allocated', address: ADDRESS })
  // The API server refuses what was decided on another version than it has now.
  const { resourceVersion } = stored.metadata
  expect(lastWrite.patch).toMatchObject({ metadata: { resourceVersion } })
  expect(leader.state.pool?.metadata.resourceVersion).not.toBe(resourceVersion)
})

test("when the old leader's last write was faster, the new one decides on what it says", () => {
  const { stored, lastWrite } = oldLeader()
  const leader = PoolDriver.started(stored)
  const token = leader.allocate()

  leader.take('commit')
  leader.tell({ type: 'commit-failed', cause: 'conflict', reason: '409' })
  leader.tell({ type: 'pool-read', pool: lastWrite.result })
  expect(leader.replyTo(token)).toBeUndefined()
  const status = leader.commit()

  expect(status?.ipv4?.allocated?.[ADDRESS]).toBe(TEST_MAC)
  expect(leader.replyTo(token)).toEqual({ outcome: 'allocated', address: ADDRESS })
})

test('that nothing is held is not told either, before no older write can say otherwise', () => {
  const { lastWrite } = oldLeader()
  const leader = PoolDriver.started(lastWrite.result)

  const token = leader.release()
  leader.wanted(false)
  expect(leader.replyTo(token)).toBeUndefined()
  leader.commit()

  expect(leader.replyTo(token)).toEqual({ outcome: 'released' })
})

test('a term costs one write a pool, and two reads for all who ask at once whether they still have their address', () => {
  const { stored } = oldLeader()

  const leader = PoolDriver.started(stored)
  const status = leader.commit()
  leader.tell({ type: 'registration-checked', registration: { registered: true } })
  leader.tell({ type: 'pool-changed', resourceVersion: leader.state.pool?.metadata.resourceVersion })
  leader.pass(30)
  leader.effects = []
  const tokens = Array.from({ length: 1000 }, () => leader.allocate())
  // The first who asks does not wait for the others.
  leader.looked()
  leader.looked()

  for (const token of tokens) {
    expect(leader.replyTo(token)).toEqual({ outcome: 'allocated', address: ADDRESS })
  }
  expect(leader.all('commit')).toEqual([])
  expect(leader.all('read-pool')).toEqual([])
  expect(status?.ipv4).toEqual({ ...stored.status?.ipv4, revision: (stored.status?.ipv4?.revision ?? 0) + 1 })
})

describe('after the process was stopped for a while', () => {
  function stopped(): PoolDriver {
    const { stored } = oldLeader()
    const driver = PoolDriver.of(stored)
    driver.stopped(30)
    return driver
  }

  test('nobody is told what was known before: another leader may have given it to somebody else', () => {
    const driver = stopped()
    const token = driver.allocate()
    expect(driver.replyTo(token)).toBeUndefined()

    const { pool } = driver.state
    if (pool === undefined) throw new Error('nothing was read')
    const ipv4 = { ...pool.status?.ipv4, allocated: { [ADDRESS]: '02:00:00:00:00:01' } }
    const metadata = { ...pool.metadata, resourceVersion: '99' }
    driver.take('read-pool')
    driver.tell({ type: 'pool-read', pool: { ...pool, metadata, status: { ...pool.status, ipv4 } } })
    driver.commit()

    expect(driver.replyTo(token)).not.toMatchObject({ address: ADDRESS })
  })

  test('an answer to a write from before is no proof that no other is on its way: one more is made', () => {
    const { stored } = oldLeader()
    const driver = PoolDriver.of(stored)
    driver.allocate({ mac: '02:00:00:00:00:01' })
    const pool = driver.written()
    driver.stopped(30)
    driver.tell({ type: 'commit-done', pool })
    driver.looked()

    expect(driver.commit()?.ipv4?.revision).toBe((pool.status?.ipv4?.revision ?? 0) + 1)
  })
})

test('agents need not wait for that write: what they are told is what the API says', () => {
  const { stored } = oldLeader()
  const leader = PoolDriver.started(stored)

  leader.tell({ type: 'snapshot', token: 1 })

  expect(leader.take('reply-snapshot').body).toMatchObject({
    outcome: 'snapshot',
    snapshot: { leases: { [ADDRESS]: TEST_MAC } },
  })
})
