import { beforeEach, describe, expect, test } from 'vitest'
import { condition, poolObject, TEST_MAC } from '../../support/objects.ts'
import { OWNER, PoolDriver } from './driver.ts'

const ADDRESS = '192.168.48.84'
const NEW_MAC = '02:00:00:00:00:01'
const OTHER = { ...OWNER, name: 'other', uid: 'other' }

function full(): PoolDriver {
  const allocated = { [ADDRESS]: TEST_MAC }
  return PoolDriver.of(
    poolObject({
      ipv4Config: { pool: { start: ADDRESS, end: ADDRESS } },
      status: {
        observedGeneration: 1,
        conditions: [condition('Registered', 'True')],
        ipv4: { allocated, used: 1, available: 0, revision: 5 },
      },
    }),
  )
}

/** What agents are told, one after the other. */
const deltasOf = (driver: PoolDriver) =>
  driver.all('publish').flatMap(({ event }) => (event.type === 'delta' ? [event.body.leases] : []))

describe('when a VM is gone and another gets its address at once', () => {
  let driver: PoolDriver
  beforeEach(() => {
    driver = full()
    // A write is under way, so that what comes now is decided together.
    driver.tell({ type: 'pool-changed', resourceVersion: '70' })
    driver.release()
  })

  test.each([
    ['the last one of the pool', {}],
    ['the one that it is pinned to', { pinned: ADDRESS }],
  ])('agents see the address free in between: %s', (_, options) => {
    driver.wanted(false, { clientMayRun: false })
    const token = driver.allocate({ mac: NEW_MAC, owner: OTHER, ...options })
    driver.looked()
    driver.commit()
    expect(driver.replyTo(token)).toBeUndefined()
    driver.commit()

    expect(driver.replyTo(token)).toEqual({ outcome: 'allocated', address: ADDRESS })
    expect(deltasOf(driver)).toEqual([{ [ADDRESS]: null }, { [ADDRESS]: NEW_MAC }])
  })
})
