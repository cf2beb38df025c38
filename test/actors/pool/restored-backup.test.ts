import { expect, test } from 'vitest'
import { poolObject } from '../../support/objects.ts'
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
