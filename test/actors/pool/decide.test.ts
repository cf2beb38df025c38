import { describe, expect, test } from 'vitest'
import { snapshotOf } from '../../../actors/pool/snapshot.ts'
import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { condition, poolObject, TEST_MAC } from '../../support/objects.ts'
import { OWNER, PoolDriver } from './driver.ts'

const OTHER_MAC = '02:00:00:00:00:01'
const OTHER = { namespace: 'default', name: 'other', uid: 'other-uid', generation: 1 }
const agentReport = (changes = {}) => ({
  uid: 'pool-uid',
  revision: 1,
  serving: true,
  pod: { namespace: 'harvester-system', name: 'agent' },
  ...changes,
})
const held = (leases: Record<string, string>) =>
  poolObject({
    status: {
      observedGeneration: 1,
      conditions: [condition('Registered', 'True')],
      ipv4: { allocated: leases, used: Object.keys(leases).length, available: 7, revision: 5 },
    },
  })
const conditionOf = (driver: PoolDriver, type: string) =>
  driver.state.pool?.status?.conditions?.find((each) => each.type === type)

describe('allocation', () => {
  test('nobody is told of an address before the status that holds it was written', () => {
    const driver = PoolDriver.of(poolObject())

    const token = driver.allocate()
    expect(driver.replyTo(token)).toBeUndefined()
    expect(driver.all('publish')).toEqual([])
    const status = driver.commit()

    expect(status?.ipv4?.allocated?.['192.168.48.82']).toBe(TEST_MAC)
    expect(driver.replyTo(token)).toEqual({ outcome: 'allocated', address: '192.168.48.82' })
    expect(driver.all('publish').map(({ event }) => event.type)).toEqual(['delta', 'lease-allocated'])
  })

  test('requests that come while a write is under way share the next one', () => {
    const driver = PoolDriver.of(poolObject())
    driver.allocate()
    const tokens = [1, 2, 3].map((index) => driver.allocate({ mac: `02:00:00:00:01:0${index}` }))
    expect(driver.all('commit')).toHaveLength(1)

    driver.commit()
    driver.commit()

    expect(driver.all('commit')).toEqual([])
    for (const token of tokens) expect(driver.replyTo(token)).toMatchObject({ outcome: 'allocated' })
  })

  test('who has an address is told so without a write, as soon as the API says so too', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))

    const token = driver.allocate()
    expect(driver.replyTo(token)).toBeUndefined()
    driver.looked()

    expect(driver.replyTo(token)).toEqual({ outcome: 'allocated', address: '192.168.48.84' })
    expect(driver.all('commit')).toEqual([])
  })

  test('a conflict is read and decided again, and the requester hears nothing of it', () => {
    const driver = PoolDriver.of(poolObject())
    const token = driver.allocate()
    driver.take('commit')

    driver.tell({ type: 'commit-failed', cause: 'conflict', reason: '409' })
    driver.take('read-pool')
    driver.tell({
      type: 'pool-read',
      pool: poolObject({
        metadata: { resourceVersion: '9' },
        status: { ipv4: { allocated: { '192.168.48.82': OTHER_MAC } } },
      }),
    })
    const status = driver.commit()

    expect(status?.ipv4?.allocated).toMatchObject({ '192.168.48.82': OTHER_MAC, '192.168.48.83': TEST_MAC })
    expect(driver.replyTo(token)).toEqual({ outcome: 'allocated', address: '192.168.48.83' })
  })

  test('after a write without an answer nothing is told before another write has overtaken it', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    driver.allocate({ mac: OTHER_MAC })
    const before = driver.state.pool ?? poolObject()
    driver.take('commit')
    driver.tell({ type: 'commit-failed', cause: 'unknown', reason: 'timeout' })
    driver.pass(1)
    driver.take('read-pool')

    const token = driver.allocate()
    driver.tell({ type: 'pool-read', pool: before })
    expect(driver.replyTo(token)).toBeUndefined()
    driver.commit()

    expect(driver.replyTo(token)).toEqual({ outcome: 'allocated', address: '192.168.48.84' })
  })

  test('an API server that has too much to do is left alone for as long as it asks; what waits is decided then', () => {
    const driver = PoolDriver.of(poolObject())
    const token = driver.allocate()
    const before = driver.state.pool
    driver.take('commit')

    driver.tell({ type: 'commit-failed', cause: 'throttled', reason: '429', retryAfter: seconds(3) })
    driver.pass(2)
    expect(driver.all('read-pool')).toEqual([])
    driver.pass(1)
    driver.take('read-pool')
    driver.tell({ type: 'pool-read-failed', retryAfter: seconds(3) })
    driver.pass(2)
    expect(driver.all('read-pool')).toEqual([])
    driver.pass(1)
    driver.take('read-pool')
    driver.tell({ type: 'pool-read', pool: before })
    driver.commit()

    expect(driver.replyTo(token)).toMatchObject({ outcome: 'allocated' })
  })

  test('a write that was not even looked at need not be overtaken', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    driver.allocate({ mac: OTHER_MAC })
    const before = driver.state.pool
    driver.take('commit')

    driver.tell({ type: 'commit-failed', cause: 'throttled', reason: '429' })

    expect(driver.state).toMatchObject({ pool: before, fence: false })
  })

  test('a write that will never be accepted is refused with its reason', () => {
    const driver = PoolDriver.of(poolObject())
    const token = driver.allocate()
    driver.take('commit')

    driver.tell({ type: 'commit-failed', cause: 'refused', reason: 'the object is too large' })

    expect(driver.replyTo(token)).toEqual({
      outcome: 'refused',
      reason: 'WriteRefused',
      message: 'the object is too large',
    })
    expect(driver.all('record')).toHaveLength(1)
  })

  test('a request that cannot be written for ten seconds is given up', () => {
    const driver = PoolDriver.of(poolObject())
    driver.allocate()
    const waiting = driver.allocate({ mac: OTHER_MAC })

    driver.pass(11)

    expect(driver.replyTo(waiting)).toMatchObject({ outcome: 'refused', reason: 'Unavailable' })
    expect(driver.state.pending).toEqual([])
  })

  test.each([
    ['192.168.48.84', 'AddressTaken'],
    ['192.168.48.81', 'AddressExcluded'],
    ['192.168.48.77', 'AddressOutOfRange'],
    ['10.0.0.1', 'AddressOutOfRange'],
    ['192.168.48.86', 'AddressTaken'],
  ])('a pin to %s is refused: %s', (pinned, reason) => {
    const driver = PoolDriver.of(
      poolObject({
        status: {
          conditions: [condition('Registered', 'True')],
          ipv4: {
            allocated: { '192.168.48.84': OTHER_MAC },
            resting: { '192.168.48.86': { macAddress: OTHER_MAC, until: '2026-01-01T00:05:00Z' } },
          },
        },
      }),
    )

    const token = driver.allocate({ pinned })

    expect(driver.replyTo(token)).toMatchObject({ outcome: 'refused', reason })
  })

  test('a pin that was changed moves the MAC once the API confirms it, and the old address rests', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))

    driver.allocate({ pinned: '192.168.48.88' })
    const { check } = driver.take('check-demand')
    const pinnedAddress = parseIPv4Address('192.168.48.88')
    driver.tell({
      type: 'demand-checked',
      check,
      demand: { ownerExists: true, wanted: true, owner: OWNER, pinnedAddress, clientMayRun: true },
    })
    const status = driver.commit()

    expect(status?.ipv4?.allocated).toMatchObject({ '192.168.48.88': TEST_MAC })
    expect(status?.ipv4?.resting).toEqual({
      '192.168.48.84': { macAddress: TEST_MAC, until: '2026-01-01T00:05:00Z' },
    })
  })

  test('an old request that comes late does not move a MAC', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))

    const token = driver.allocate({ pinned: '192.168.48.88' })
    driver.wanted(true)

    expect(driver.replyTo(token)).toMatchObject({ outcome: 'refused', reason: 'NotWanted' })
    expect(driver.all('commit')).toEqual([])
  })

  test('a MAC that two objects ask for is given to the one that the API names', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))

    const token = driver.allocate({ owner: OTHER, contested: true })
    driver.wanted(true)

    expect(driver.replyTo(token)).toMatchObject({ outcome: 'refused', reason: 'MacInUse' })
  })

  test('an owner that the watch does not know gets an address once the API confirms its wish', () => {
    const driver = PoolDriver.of(poolObject())

    const token = driver.allocate({ asked: false })
    expect(driver.all('commit')).toEqual([])
    driver.wanted(true)
    driver.commit()

    expect(driver.replyTo(token)).toEqual({ outcome: 'allocated', address: '192.168.48.82' })
  })

  test.each([
    [{ ownerExists: false }, 'OwnerNotFound'],
    [{ ownerExists: true }, 'NotAsked'],
  ])('an owner that is made up takes nothing from the pool: %o', (details, reason) => {
    const driver = PoolDriver.of(poolObject())

    const token = driver.allocate({ asked: false })
    driver.wanted(false, details)

    expect(driver.replyTo(token)).toMatchObject({ outcome: 'refused', reason })
    expect(driver.all('commit')).toEqual([])
  })

  test('the same refusal is told to taps once, however often it is asked for', () => {
    const driver = PoolDriver.of(poolObject())
    for (let attempt = 0; attempt < 5; attempt++) driver.allocate({ pinned: '192.168.48.81' })

    expect(driver.all('reply-allocate')).toHaveLength(5)
    expect(driver.all('publish').map(({ event }) => event.type)).toEqual(['allocation-refused'])
  })

  test.each([
    [poolObject({ spec: { paused: true } }), 'PoolPaused'],
    [
      poolObject({
        metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
        status: { ipv4: { allocated: { '192.168.48.84': OTHER_MAC } } },
      }),
      'PoolDeleting',
    ],
    [poolObject({ ipv4Config: { serverIP: 'nonsense' } }), 'InvalidPool'],
  ])('a pool that is closed refuses, and says why', (pool, reason) => {
    const driver = PoolDriver.of(pool)

    const token = driver.allocate()

    expect(driver.replyTo(token)).toMatchObject({ outcome: 'refused', reason })
  })

  test('a pool whose network was not looked at yet keeps requests waiting', () => {
    const driver = new PoolDriver()
    driver.tell({ type: 'tick' })
    driver.tell({ type: 'pool-read', pool: poolObject() })
    const token = driver.allocate()
    driver.commit()
    expect(driver.all('commit')).toEqual([])

    driver.tell({
      type: 'registration-checked',
      registration: { registered: false, reason: 'NetworkInUse', message: 'another pool serves it' },
    })
    driver.commit()

    expect(driver.replyTo(token)).toEqual({
      outcome: 'refused',
      reason: 'NetworkInUse',
      message: 'another pool serves it',
    })
  })
})

describe('a pool that was accepted with a name that no label can hold', () => {
  const name = 'n'.repeat(64)
  const invalidName = { registered: false, reason: 'InvalidName', message: 'too long' }

  test('says so before it asks for its finalizer, and gives no addresses', () => {
    const driver = PoolDriver.started(poolObject({ metadata: { name, finalizers: [] } }))
    driver.tell({ type: 'registration-checked', registration: invalidName })
    const token = driver.allocate()
    driver.commit()
    driver.commit()

    expect(conditionOf(driver, 'Registered')).toMatchObject({ status: 'False', reason: 'InvalidName' })
    expect(driver.replyTo(token)).toEqual({ outcome: 'refused', reason: 'InvalidName', message: 'too long' })
    expect(driver.all('add-finalizer')).toEqual([])
  })

  test('loses the finalizer that it has when it is deleted', () => {
    const { finalizers } = poolObject().metadata
    const deletionTimestamp = '2026-01-01T00:00:00Z'
    const driver = PoolDriver.started(poolObject({ metadata: { name, finalizers, deletionTimestamp } }))

    driver.commit()

    expect(driver.all('unregister-and-remove-finalizer')).toHaveLength(1)
  })
})

describe('release', () => {
  test('an address whose client may run rests for the lease time, in the status too', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    const token = driver.release()
    driver.wanted(false)
    const status = driver.commit()
    expect(status?.ipv4?.resting?.['192.168.48.84']?.until).toBe('2026-01-01T00:05:00Z')
    expect(driver.replyTo(token)).toEqual({ outcome: 'released' })

    const early = driver.allocate({ mac: OTHER_MAC, pinned: '192.168.48.84' })
    expect(driver.replyTo(early)).toMatchObject({ reason: 'AddressTaken' })
    driver.pass(300)

    expect(driver.commit()?.ipv4?.resting).toBeUndefined()
    driver.allocate({ mac: OTHER_MAC, pinned: '192.168.48.84' })
    expect(driver.commit()?.ipv4?.allocated?.['192.168.48.84']).toBe(OTHER_MAC)
  })

  test('the rest counts from when the write is done: until then agents go on acknowledging the address', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    driver.release()
    driver.wanted(false)
    driver.stopped(4)
    expect(driver.commit()?.ipv4?.resting?.['192.168.48.84']?.until).toBe('2026-01-01T00:05:00Z')

    expect(driver.commit()?.ipv4?.resting?.['192.168.48.84']?.until).toBe('2026-01-01T00:05:04Z')
  })

  test('so it does when no answer came, and the write is seen when the pool is read again', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    driver.release()
    driver.wanted(false)
    const pool = driver.written()
    driver.stopped(30)
    driver.tell({ type: 'commit-failed', cause: 'unknown', reason: 'no answer within 30 s' })
    driver.pass(1)
    driver.take('read-pool')
    driver.tell({ type: 'pool-read', pool })

    expect(driver.commit()?.ipv4?.resting?.['192.168.48.84']?.until).toBe('2026-01-01T00:05:31Z')
  })

  test('an edit that is read before the longer rest is written does not cut it short', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    driver.release()
    driver.wanted(false)
    driver.stopped(9)
    const status = driver.commit()
    driver.tell({ type: 'commit-failed', cause: 'conflict', reason: 'it was edited' })
    const { metadata, spec } = poolObject({
      metadata: { resourceVersion: '20', generation: 2 },
      ipv4Config: { dns: ['1.1.1.1'] },
    })
    driver.tell({ type: 'pool-read', pool: { metadata, spec, status } })
    driver.take('commit')
    driver.tell({ type: 'commit-failed', cause: 'conflict', reason: 'once more' })
    driver.tell({ type: 'pool-read', pool: { metadata, spec, status } })

    expect(driver.commit()?.ipv4?.resting?.['192.168.48.84']?.until).toBe('2026-01-01T00:05:09Z')
  })

  test('an address that rests goes back to its own MAC at once', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    driver.release()
    driver.wanted(false)
    driver.commit()

    const token = driver.allocate()
    driver.commit()

    expect(driver.replyTo(token)).toEqual({ outcome: 'allocated', address: '192.168.48.84' })
  })

  test('an address of a VM that is gone is free at once, and who waits is told', () => {
    const leases = Object.fromEntries(
      [82, 83, 84, 85, 86, 87, 88, 89].map((last) => [`192.168.48.${last}`, `02:00:00:00:00:${last}`]),
    )
    const driver = PoolDriver.of(held(leases))
    const refused = driver.allocate()
    expect(driver.replyTo(refused)).toMatchObject({ reason: 'PoolExhausted' })
    driver.effects = []

    driver.release('02:00:00:00:00:85')
    driver.wanted(false, { clientMayRun: false })
    driver.commit()

    expect(driver.all('nudge-owners')).toEqual([{ type: 'nudge-owners', owners: [OWNER], scope: 'waiting' }])
    driver.allocate()
    expect(driver.commit()?.ipv4?.allocated?.['192.168.48.85']).toBe(TEST_MAC)
  })

  test('however often a release is asked for, the API is looked at once, and everybody is answered', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    const tokens = [driver.release(), driver.release(), driver.release()]
    expect(driver.all('check-demand')).toHaveLength(1)

    driver.wanted(false)
    driver.commit()

    for (const token of tokens) expect(driver.replyTo(token)).toEqual({ outcome: 'released' })
  })

  test('a release of what is not held is answered without a look at the API', () => {
    const driver = PoolDriver.of(held({}))

    const token = driver.release()

    expect(driver.replyTo(token)).toEqual({ outcome: 'released' })
    expect(driver.all('check-demand')).toEqual([])
  })

  test('a release whose requester gave up is carried out all the same', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    const token = driver.release()
    for (let second = 0; second < 11; second++) driver.pass(1)
    expect(driver.replyTo(token)).toMatchObject({ outcome: 'refused', reason: 'Unavailable' })

    driver.wanted(false)

    expect(driver.commit()?.ipv4?.allocated).not.toHaveProperty(['192.168.48.84'])
  })

  test('a release is looked at anew after the process was stopped: the wish may have come back meanwhile', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    driver.release()

    driver.stopped(30)
    driver.wanted(false, { clientMayRun: false })

    expect(driver.all('commit')).toEqual([])
    expect(driver.take('reply-release').body).toMatchObject({ outcome: 'refused', reason: 'Unavailable' })
  })

  test('a release of what is wanted frees nothing', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))

    const token = driver.release()
    driver.wanted(true)

    expect(driver.replyTo(token)).toEqual({ outcome: 'still-wanted' })
    expect(driver.all('commit')).toEqual([])
  })

  test('a release whose check was overtaken by a new request frees nothing', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    const release = driver.release()

    driver.allocate()
    driver.wanted(false)
    driver.looked()

    expect(driver.replyTo(release)).toEqual({ outcome: 'still-wanted' })
    expect(driver.all('commit')).toEqual([])
  })

  test('an address that is asked for and given back in one batch was written in between', () => {
    const driver = PoolDriver.of(poolObject())
    driver.allocate({ mac: OTHER_MAC })
    const allocate = driver.allocate()
    driver.release()
    driver.wanted(false)
    driver.commit()

    expect(driver.commit()?.ipv4?.allocated).toMatchObject({ '192.168.48.83': TEST_MAC })
    expect(driver.replyTo(allocate)).toEqual({ outcome: 'allocated', address: '192.168.48.83' })
    expect(driver.commit()?.ipv4?.allocated).not.toHaveProperty(['192.168.48.83'])
  })

  test('a lease that nobody asks for any more is found and given back', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))

    driver.pass(61)
    driver.foundToBeOrphans(driver.take('find-orphans'))

    expect(driver.commit()?.ipv4?.allocated).not.toHaveProperty(['192.168.48.84'])
  })

  test('who believes to have a MAC that an older object asks for since is made to ask again', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))

    driver.pass(61)

    const network = { namespace: 'default', name: 'net-48' }
    expect(driver.take('nudge-rivals')).toMatchObject({ network, macs: [TEST_MAC] })
  })

  test('a lease time that was made shorter does not cut the rest of leases from before', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    const pool = driver.state.pool ?? poolObject()
    const { spec, metadata } = poolObject({
      metadata: { resourceVersion: '9', generation: 2 },
      ipv4Config: { leaseTime: 10 },
    })
    driver.tell({ type: 'pool-changed', resourceVersion: '9' })
    driver.tell({ type: 'pool-read', pool: { ...pool, spec, metadata } })
    driver.commit()

    driver.release()
    driver.wanted(false)

    expect(driver.commit()?.ipv4?.resting?.['192.168.48.84']?.until).toBe('2026-01-01T00:05:00Z')
  })

  test('nor does it when the controller is restarted in between: the status remembers', () => {
    const restarted = PoolDriver.of(
      poolObject({
        ipv4Config: { leaseTime: 10 },
        status: {
          observedGeneration: 1,
          conditions: [condition('Registered', 'True')],
          ipv4: {
            allocated: { '192.168.48.84': TEST_MAC },
            used: 1,
            available: 7,
            revision: 5,
            longerLeasesUntil: '2026-01-01T00:05:00Z',
          },
        },
      }),
    )

    restarted.release()
    restarted.wanted(false)

    expect(restarted.commit()?.ipv4?.resting?.['192.168.48.84']?.until).toBe('2026-01-01T00:05:00Z')
  })

  test('nor when it is made shorter while no controller runs: the status knows what leases were given for', () => {
    const restarted = PoolDriver.of(
      poolObject({
        metadata: { generation: 2 },
        ipv4Config: { leaseTime: 10 },
        status: {
          observedGeneration: 1,
          conditions: [condition('Registered', 'True')],
          ipv4: {
            allocated: { '192.168.48.84': TEST_MAC },
            used: 1,
            available: 7,
            revision: 5,
            leaseTime: 300,
          },
        },
      }),
    )

    restarted.release()
    restarted.wanted(false)

    expect(restarted.commit()?.ipv4).toMatchObject({
      leaseTime: 10,
      resting: { '192.168.48.84': { until: '2026-01-01T00:05:00Z' } },
    })
  })

  test('and it forgets when no longer lease can be left', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    const pool = driver.state.pool ?? poolObject()
    const { spec, metadata } = poolObject({
      metadata: { resourceVersion: '9', generation: 2 },
      ipv4Config: { leaseTime: 10 },
    })
    driver.tell({ type: 'pool-changed', resourceVersion: '9' })
    driver.tell({ type: 'pool-read', pool: { ...pool, spec, metadata } })
    expect(driver.commit()?.ipv4?.longerLeasesUntil).toBe('2026-01-01T00:05:00Z')

    driver.pass(301)
    driver.allocate({ mac: OTHER_MAC })

    expect(driver.commit()?.ipv4?.longerLeasesUntil).toBeUndefined()
  })
})

describe('the status', () => {
  test('the server and router addresses inside the range are RESERVED and count nowhere', () => {
    const driver = new PoolDriver()
    driver.tell({ type: 'tick' })
    driver.tell({
      type: 'pool-read',
      pool: poolObject({ ipv4Config: { serverIP: '192.168.48.85', router: '192.168.48.86' } }),
    })

    const { ipv4 } = driver.commit() ?? {}

    expect(ipv4).toMatchObject({ available: 6, used: 0 })
    expect(ipv4?.allocated).toEqual({
      '192.168.48.81': 'EXCLUDED',
      '192.168.48.85': 'RESERVED',
      '192.168.48.86': 'RESERVED',
      '192.168.48.90': 'EXCLUDED',
    })
  })

  test('a pool that shrinks takes no lease away; what is outside counts nowhere', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC, '192.168.48.89': OTHER_MAC }))
    const pool = driver.state.pool ?? poolObject()
    const { spec, metadata } = poolObject({
      metadata: { resourceVersion: '9', generation: 2 },
      ipv4Config: { pool: { start: '192.168.48.81', end: '192.168.48.85' } },
    })

    driver.tell({ type: 'pool-changed', resourceVersion: '9' })
    driver.tell({ type: 'pool-read', pool: { ...pool, spec, metadata } })
    const { ipv4 } = driver.commit() ?? {}

    expect(ipv4).toMatchObject({ available: 4, used: 1 })
    expect(ipv4?.allocated).toMatchObject({ '192.168.48.84': TEST_MAC, '192.168.48.89': OTHER_MAC })
  })

  test.each([
    { '192.168.48.84': TEST_MAC, '192.168.48.86': TEST_MAC },
    { nonsense: TEST_MAC, '192.168.48.84': TEST_MAC, '192.168.48.85': 'nonsense' },
  ])('what was written into the status by hand and makes no sense is put right: %o', (allocated) => {
    const driver = new PoolDriver()
    driver.tell({ type: 'tick' })
    driver.tell({
      type: 'pool-read',
      pool: poolObject({
        status: {
          ipv4: {
            allocated,
            used: 77,
            available: -3,
            resting: {
              '192.168.48.86': { macAddress: OTHER_MAC, until: '2026-01-01T00:01:00Z' },
              '192.168.48.84': { macAddress: OTHER_MAC, until: '2026-01-01T00:01:00Z' },
              '192.168.48.88': { macAddress: 'x', until: 'y' },
            },
          },
        },
      }),
    })

    const { ipv4 } = driver.commit() ?? {}

    expect(ipv4).toMatchObject({ available: 7, used: 1 })
    expect(ipv4?.allocated).toEqual({
      '192.168.48.81': 'EXCLUDED',
      '192.168.48.84': TEST_MAC,
      '192.168.48.90': 'EXCLUDED',
    })
  })

  test('an address that somebody took out of the status rests: the client that had it does not know yet', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))

    driver.tell({ type: 'pool-changed', resourceVersion: '99' })
    driver.take('read-pool')
    const { metadata } = poolObject({ metadata: { resourceVersion: '99' } })
    driver.tell({
      type: 'pool-read',
      pool: { ...poolObject(), metadata, status: { ipv4: { allocated: {} } } },
    })
    const { ipv4 } = driver.commit() ?? {}

    expect(ipv4?.resting).toMatchObject({ '192.168.48.84': { macAddress: TEST_MAC } })
  })

  test('leases that somebody took out of the status are told to those who had them', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC, '192.168.48.85': OTHER_MAC }))
    driver.allocate()
    driver.looked()
    driver.effects = []

    driver.tell({ type: 'pool-changed', resourceVersion: '99' })
    driver.take('read-pool')
    const { metadata } = poolObject({ metadata: { resourceVersion: '99' } })
    driver.tell({
      type: 'pool-read',
      pool: { ...held({ '192.168.48.85': OTHER_MAC }), metadata },
    })

    expect(driver.all('nudge-owners')).toEqual([{ type: 'nudge-owners', owners: [OWNER], scope: 'all' }])
  })

  test('whose MAC somebody wrote to another address as well is told, because it keeps the lower one', () => {
    const driver = PoolDriver.of(held({ '192.168.48.85': TEST_MAC }))
    driver.allocate()
    driver.looked()
    driver.effects = []

    driver.tell({ type: 'pool-changed', resourceVersion: '99' })
    driver.take('read-pool')
    const { metadata } = poolObject({ metadata: { resourceVersion: '99' } })
    driver.tell({
      type: 'pool-read',
      pool: { ...held({ '192.168.48.84': TEST_MAC, '192.168.48.85': TEST_MAC }), metadata },
    })

    expect(driver.all('nudge-owners')).toEqual([{ type: 'nudge-owners', owners: [OWNER], scope: 'all' }])
  })

  test('nothing is written before the finalizer is there', () => {
    const driver = new PoolDriver()
    driver.tell({ type: 'tick' })
    driver.tell({ type: 'pool-read', pool: poolObject({ metadata: { finalizers: [] } }) })

    expect(driver.all('commit')).toEqual([])
    driver.take('add-finalizer')
    driver.tell({ type: 'finalizers-written', ok: true })
    driver.tell({ type: 'pool-read', pool: poolObject({ metadata: { resourceVersion: '2' } }) })

    expect(driver.all('commit')).toHaveLength(1)
  })

  test('finalizers that cannot be written are tried again later and later', () => {
    const driver = new PoolDriver()
    driver.tell({ type: 'tick' })
    let attempts = 0
    for (let second = 0; second < 60; second++) {
      for (const effect of driver.effects.splice(0)) {
        if (effect.type === 'add-finalizer') {
          attempts++
          driver.tell({ type: 'finalizers-written', ok: false })
        }
        if (effect.type === 'read-pool') {
          driver.tell({ type: 'pool-read', pool: poolObject({ metadata: { finalizers: [] } }) })
        }
      }
      driver.pass(1)
    }

    expect(attempts).toBeGreaterThan(3)
    expect(attempts).toBeLessThan(12)
  })

  test('a version that the watch spoke of during a read is read once more', () => {
    const driver = PoolDriver.of(poolObject())
    driver.tell({ type: 'pool-changed', resourceVersion: '50' })
    driver.take('read-pool')

    driver.tell({ type: 'pool-changed', resourceVersion: '51' })
    driver.tell({ type: 'pool-read', pool: poolObject({ metadata: { resourceVersion: '50' } }) })

    driver.take('read-pool')
  })

  test('the echo of what was written is not read again', () => {
    const driver = PoolDriver.of(poolObject())
    driver.allocate()
    driver.commit()
    driver.effects = []

    driver.tell({ type: 'pool-changed', resourceVersion: driver.state.pool?.metadata.resourceVersion })

    expect(driver.effects).toEqual([])
  })
})

describe('the agent', () => {
  test('AgentReady says what the agent says, and that it fell silent', () => {
    const driver = PoolDriver.of(poolObject())
    driver.tell({ type: 'agent-report', token: 1, report: agentReport() })
    driver.commit()
    expect(conditionOf(driver, 'AgentReady')?.status).toBe('True')

    driver.pass(36)
    driver.commit()

    expect(conditionOf(driver, 'AgentReady')).toMatchObject({ status: 'False', reason: 'AgentSilent' })
  })

  test('an agent that could not start is no pod to point at', () => {
    const driver = PoolDriver.of(poolObject())
    const report = agentReport({ serving: false, reason: 'NoInterface', message: 'say which' })
    driver.tell({ type: 'agent-report', token: 1, report })

    expect(driver.commit()?.agentPodRef).toBeUndefined()
    expect(conditionOf(driver, 'AgentReady')).toMatchObject({ status: 'False', reason: 'NoInterface' })
  })

  test('an agent of an earlier pool of that name says nothing about this one', () => {
    const driver = PoolDriver.of(poolObject())

    driver.tell({ type: 'agent-report', token: 1, report: agentReport({ uid: 'earlier' }) })

    expect(driver.all('reply-report')).toHaveLength(1)
    expect(driver.all('commit')).toEqual([])
  })

  test('of two agents the status names one, and does not swing to and fro', () => {
    const driver = PoolDriver.of(poolObject())
    driver.tell({ type: 'agent-report', token: 1, report: agentReport() })
    driver.commit()

    driver.tell({
      type: 'agent-report',
      token: 2,
      report: agentReport({ pod: { namespace: 'harvester-system', name: 'second' } }),
    })

    expect(driver.all('commit')).toEqual([])
  })

  test('a controller that has just started repeats what was known of the agent', () => {
    const driver = PoolDriver.of(
      poolObject({
        status: { conditions: [condition('Registered', 'True'), condition('AgentReady', 'True')] },
      }),
    )
    expect(conditionOf(driver, 'AgentReady')?.status).toBe('True')

    driver.pass(36)
    driver.commit()

    expect(conditionOf(driver, 'AgentReady')).toMatchObject({ status: 'False', reason: 'NoAgent' })
  })

  test('revision grows with what agents must learn, and only with that', () => {
    const driver = PoolDriver.of(poolObject())
    const before = driver.state.pool?.status?.ipv4?.revision ?? 0
    driver.tell({ type: 'agent-report', token: 1, report: agentReport() })
    expect(driver.commit()?.ipv4?.revision).toBe(before)

    driver.allocate()

    expect(driver.commit()?.ipv4?.revision).toBe(before + 1)
  })
})

describe('the revision', () => {
  test('a counter that somebody took away goes on above every one that an agent may know', () => {
    const driver = new PoolDriver()
    driver.tell({ type: 'tick' })
    driver.tell({
      type: 'pool-read',
      pool: poolObject({
        status: { ipv4: { allocated: { '192.168.48.84': TEST_MAC }, used: 1, available: 7 } },
      }),
    })

    expect(driver.commit()?.ipv4?.revision).toBeGreaterThan(1_000_000_000_000)
  })

  test('a new pool begins at one', () => {
    const driver = new PoolDriver()
    driver.tell({ type: 'tick' })
    driver.tell({ type: 'pool-read', pool: poolObject() })

    expect(driver.commit()?.ipv4?.revision).toBe(1)
  })
})

describe('a spec that is invalid', () => {
  const wrong = { serverIP: '10.0.0.1' }
  const editedInto = (driver: PoolDriver, ipv4Config: object, resourceVersion = '90') => {
    const pool = driver.state.pool ?? poolObject()
    const generation = (pool.metadata.generation ?? 0) + 1
    const { spec, metadata } = poolObject({ metadata: { resourceVersion, generation }, ipv4Config })
    driver.tell({ type: 'pool-changed', resourceVersion })
    driver.tell({ type: 'pool-read', pool: { ...pool, spec, metadata } })
  }

  test('who has an address keeps it, nobody new gets one, and the last valid spec is noted', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    editedInto(driver, wrong)
    const status = driver.commit()

    const [kept, late] = [driver.allocate(), driver.allocate({ mac: OTHER_MAC })]
    driver.looked()

    expect(driver.replyTo(kept)).toEqual({ outcome: 'allocated', address: '192.168.48.84' })
    expect(driver.replyTo(late)).toMatchObject({ outcome: 'refused', reason: 'InvalidPool' })
    expect(status?.servedSpec).toMatchObject({ ipv4Config: { serverIP: '192.168.48.77' } })
    expect(status?.ipv4).toMatchObject({ used: 1, available: 7 })
  })

  test('agents are given the last valid spec, and a pause counts all the same', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    editedInto(driver, wrong)
    driver.commit()
    const pool = driver.state.pool ?? poolObject()

    expect(snapshotOf(pool).spec).toMatchObject({ ipv4Config: { serverIP: '192.168.48.77' } })
    const paused = snapshotOf({ ...pool, spec: { ...pool.spec, paused: true } })
    expect(paused.spec).toMatchObject({ paused: true, ipv4Config: { serverIP: '192.168.48.77' } })
  })

  test('an address that is given back meanwhile rests for the lease time of the last valid spec', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    editedInto(driver, { ...wrong, leaseTime: 7 })
    driver.commit()

    const token = driver.release()
    driver.wanted(false)

    expect(driver.commit()?.ipv4?.resting?.['192.168.48.84']?.until).toBe('2026-01-01T00:05:00Z')
    expect(driver.replyTo(token)).toEqual({ outcome: 'released' })
  })

  test('once it is put right, what was noted goes', () => {
    const driver = PoolDriver.of(held({ '192.168.48.84': TEST_MAC }))
    editedInto(driver, wrong)
    driver.commit()

    editedInto(driver, {}, '95')

    expect(driver.commit()?.servedSpec).toBeUndefined()
  })
})

describe('NTP servers', () => {
  const withNtp = (ntp: string[], known?: string[]) =>
    poolObject({
      ipv4Config: { ntp },
      status: {
        conditions: [condition('Registered', 'True')],
        ...(known === undefined ? {} : { ipv4: { ntpServers: known } }),
      },
    })
  const resolved = (entries: Record<string, string[]>) =>
    new Map(Object.entries(entries).map(([name, texts]) => [name, texts.map(parseIPv4Address)]))

  test('a name that does not resolve takes nothing away that was known', () => {
    const driver = PoolDriver.of(withNtp(['a.example', 'b.example'], ['10.0.0.1']))

    driver.tell({ type: 'ntp-resolved', addresses: resolved({ 'a.example': ['10.0.0.2'] }) })

    expect(driver.commit()?.ipv4?.ntpServers).toEqual(['10.0.0.2', '10.0.0.1'])
  })

  test('when every name resolves, only what they stand for is told', () => {
    const driver = PoolDriver.of(withNtp(['a.example'], ['10.0.0.1']))

    driver.tell({ type: 'ntp-resolved', addresses: resolved({ 'a.example': ['10.0.0.2'] }) })

    expect(driver.commit()?.ipv4?.ntpServers).toEqual(['10.0.0.2'])
  })

  test('an answer about names of an earlier spec changes nothing', () => {
    const driver = PoolDriver.of(withNtp(['a.example'], ['10.0.0.1']))

    driver.tell({ type: 'ntp-resolved', addresses: resolved({ 'gone.example': ['10.0.0.9'] }) })

    expect(driver.all('commit')).toEqual([])
  })

  test('however the names change, the list stays short', () => {
    const driver = PoolDriver.of(withNtp(['a.example', 'never.example']))
    for (let hour = 0; hour < 50; hour++) {
      driver.tell({
        type: 'ntp-resolved',
        addresses: resolved({ 'a.example': [`10.0.${hour}.1`, `10.0.${hour}.2`] }),
      })
      driver.commit()
    }

    expect(driver.state.pool?.status?.ipv4?.ntpServers?.length).toBeLessThanOrEqual(16)
  })
})

describe('deletion', () => {
  test('a pool in use stays; its last lease takes the finalizer with it', () => {
    const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' }
    const driver = PoolDriver.of(
      poolObject({ metadata: deleting, status: { ipv4: { allocated: { '192.168.48.84': TEST_MAC } } } }),
    )
    expect(driver.all('unregister-and-remove-finalizer')).toEqual([])

    driver.release()
    driver.wanted(false, { clientMayRun: false })
    driver.commit()

    expect(driver.all('unregister-and-remove-finalizer')).toHaveLength(1)
  })

  test('a pool that is gone answers what waits', () => {
    const driver = PoolDriver.of(poolObject())
    driver.allocate()
    const waiting = driver.allocate({ mac: OTHER_MAC })
    driver.take('commit')

    driver.tell({ type: 'commit-failed', cause: 'gone', reason: '404' })
    driver.tell({ type: 'pool-read', pool: undefined })

    expect(driver.replyTo(waiting)).toMatchObject({ outcome: 'refused', reason: 'PoolGone' })
  })
})

test('what is remembered of MACs that ask and get nothing does not grow for ever', () => {
  const driver = PoolDriver.of(poolObject({ spec: { paused: true } }))
  for (let index = 0; index < 5000; index++) {
    driver.allocate({ mac: parseMacAddress(`02:00:00:00:${hex(index >> 8)}:${hex(index & 255)}`) })
  }
  expect(driver.state.claims.size).toBe(5000)

  driver.pass(61)
  driver.pass(400)

  expect(driver.state.claims.size).toBe(0)
  expect(driver.state.refused.size).toBe(0)
})

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
