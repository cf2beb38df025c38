import { beforeEach, describe, expect, test } from 'vitest'
import { condition, poolObject, TEST_MAC } from '../../support/objects.ts'
import { PoolDriver } from './driver.ts'

const ADDRESS = '192.168.48.84'

describe('while a second controller writes the pool too', () => {
  let driver: PoolDriver
  beforeEach(() => {
    driver = PoolDriver.of(
      poolObject({
        status: {
          observedGeneration: 1,
          conditions: [condition('Registered', 'True')],
          ipv4: { allocated: { [ADDRESS]: TEST_MAC }, used: 1, available: 7, revision: 5 },
        },
      }),
    )
  })
  test('a release whose write it overtook is not repeated: what was given since stays', () => {
    const token = driver.release()
    driver.wanted(false)
    driver.take('commit')
    driver.tell({ type: 'commit-failed', cause: 'conflict', reason: '409' })
    driver.changedByOthers()

    expect(driver.all('commit')).toEqual([])
    expect(driver.replyTo(token)).toMatchObject({ outcome: 'refused', reason: 'Unavailable' })
  })

  test('that nobody asks, seen before the change, frees nothing after it', () => {
    const token = driver.release()
    driver.changedByOthers()
    driver.wanted(false)

    expect(driver.all('commit')).toEqual([])
    expect(driver.replyTo(token)).toMatchObject({ outcome: 'refused', reason: 'Unavailable' })
  })

  test('who asks again to give it back is heard', () => {
    driver.release()
    driver.wanted(false)
    driver.take('commit')
    driver.tell({ type: 'commit-failed', cause: 'conflict', reason: '409' })
    driver.changedByOthers()

    const token = driver.release()
    driver.wanted(false)

    expect(driver.commit()?.ipv4?.allocated).not.toHaveProperty([ADDRESS])
    expect(driver.replyTo(token)).toEqual({ outcome: 'released' })
  })

  test('leases that a search before the change found without an owner stay', () => {
    driver.pass(61)
    const search = driver.take('find-orphans')
    driver.changedByOthers()
    driver.foundToBeOrphans(search)

    expect(driver.all('commit')).toEqual([])
  })
})
