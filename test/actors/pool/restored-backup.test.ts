import { expect, test } from 'vitest'
import type { IPPool, IPPoolStatus } from '../../../src/api/ippool.ts'
import { poolObject, TEST_MAC } from '../../support/objects.ts'
import { OWNER, PoolDriver } from './driver.ts'

test('a version that was known and comes again is news: the API server went back to a backup', () => {
  const driver = PoolDriver.of(poolObject())
  const backup = driver.state.pool
  driver.tell({ type: 'pool-changed', resourceVersion: backup?.metadata.resourceVersion })
  driver.allocate()
  driver.commit()
  driver.tell({ type: 'pool-changed', resourceVersion: driver.state.pool?.metadata.resourceVersion })
  driver.effects = []

  driver.tell({ type: 'pool-changed', resourceVersion: backup?.metadata.resourceVersion })

  driver.take('read-pool')
})

test('an echo of an earlier write that comes after a later one was made is no news', () => {
  const driver = PoolDriver.of(poolObject())
  const versions = ['ca:70:82:e6:84:01', 'ca:70:82:e6:84:02'].map((mac) => {
    driver.allocate({ mac })
    driver.commit()
    return driver.state.pool?.metadata.resourceVersion
  })
  driver.effects = []

  for (const resourceVersion of versions) driver.tell({ type: 'pool-changed', resourceVersion })

  expect(driver.all('read-pool')).toEqual([])
})

test('a VM made again is not told an address that only the controller still believes in', () => {
  const driver = PoolDriver.of(poolObject())
  const backup = driver.state.pool
  driver.allocate()
  const [held] = leases(driver.commit())

  // The watch of VMs was faster than that of IPPools.
  const token = driver.allocate({ owner: { ...OWNER, uid: 'made-again' } })
  expect(driver.replyTo(token)).toBeUndefined()
  driver.take('read-pool')
  driver.tell({ type: 'pool-read', pool: older(backup) })
  expect(driver.replyTo(token)).toBeUndefined()
  const status = driver.commit()

  expect(leases(status)).toEqual([held])
  expect(driver.replyTo(token)).toEqual({ outcome: 'allocated', address: held })
})

test('who asked while the API was being read is told nothing by that read', () => {
  const driver = PoolDriver.of(poolObject())
  const first = driver.allocate()
  driver.commit()
  expect(driver.replyTo(first)).toBeDefined()
  driver.tell({ type: 'pool-changed', resourceVersion: '800' })
  const token = driver.allocate()

  driver.looked()
  expect(driver.replyTo(token)).toBeUndefined()
  driver.looked()

  expect(driver.replyTo(token)).toBeDefined()
})

test('a VM that a restored backup does not know keeps its address, though its VM seems to be gone', () => {
  const driver = PoolDriver.of(poolObject())
  const backup = driver.state.pool
  driver.allocate()
  const [held] = leases(driver.commit())
  restore(driver, backup)

  // Its configuration is made again by who has not heard yet, and taken away since it has no owner.
  const token = driver.allocate()
  driver.commit()
  expect(driver.replyTo(token)).toEqual({ outcome: 'allocated', address: held })
  driver.release()
  driver.wanted(false, { clientMayRun: false, ownerExists: false })

  expect(driver.commit()?.ipv4?.resting).toMatchObject({ [held ?? '']: { macAddress: TEST_MAC } })
})

test.each([
  ['that is seen to be gone in between', true],
  ['that is seen in one step', false],
])(
  'a backup from before the pool, which is made again: nobody gets the address of a client that runs: %s',
  (_, gone) => {
    const driver = PoolDriver.of(poolObject())
    driver.allocate()
    const [held] = leases(driver.commit())
    driver.tell({ type: 'pool-changed', resourceVersion: '900' })
    if (gone) {
      driver.take('read-pool')
      driver.tell({ type: 'pool-read', pool: undefined })
      driver.tell({ type: 'pool-changed', resourceVersion: '901' })
    }
    driver.take('read-pool')
    driver.tell({
      type: 'pool-read',
      pool: poolObject({ metadata: { uid: 'another', resourceVersion: '901' } }),
    })
    driver.tell({ type: 'registration-checked', registration: { registered: true } })
    driver.commit()

    driver.allocate({ mac: '02:00:00:00:00:01', owner: { ...OWNER, uid: 'other' } })
    driver.commit()

    const { allocated, resting } = driver.state.pool?.status?.ipv4 ?? {}
    expect(allocated?.[held ?? '']).toBeUndefined()
    expect(resting).toMatchObject({ [held ?? '']: { macAddress: TEST_MAC } })
  },
)

function restore(driver: PoolDriver, backup: IPPool | undefined): void {
  driver.tell({ type: 'pool-changed', resourceVersion: '900' })
  driver.take('read-pool')
  driver.tell({ type: 'pool-read', pool: older(backup) })
  driver.commit()
}

function older(backup: IPPool | undefined): IPPool {
  if (backup === undefined) throw new Error('there is no backup')
  return { ...backup, metadata: { ...backup.metadata, resourceVersion: '900' } }
}

function leases(status: IPPoolStatus | undefined): string[] {
  return Object.entries(status?.ipv4?.allocated ?? {}).flatMap(([address, mac]) =>
    mac === TEST_MAC ? [address] : [],
  )
}
