import { expect, test } from 'vitest'
import type { IPPool, IPPoolStatus } from '../../../src/api/ippool.ts'
import { poolObject, TEST_MAC } from '../../support/objects.ts'
import { PoolDriver } from './driver.ts'

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

function restore(driver: PoolDriver, backup: IPPool | undefined): void {
  if (backup === undefined) throw new Error('there is no backup')
  driver.tell({ type: 'pool-changed', resourceVersion: '900' })
  driver.take('read-pool')
  driver.tell({
    type: 'pool-read',
    pool: { ...backup, metadata: { ...backup.metadata, resourceVersion: '900' } },
  })
  driver.commit()
}

function leases(status: IPPoolStatus | undefined): string[] {
  return Object.entries(status?.ipv4?.allocated ?? {}).flatMap(([address, mac]) =>
    mac === TEST_MAC ? [address] : [],
  )
}
