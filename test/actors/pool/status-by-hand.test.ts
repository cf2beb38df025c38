import { expect, test } from 'vitest'
import { ipPoolSchema } from '../../../src/api/ippool.ts'
import { condition, poolObject, TEST_MAC } from '../../support/objects.ts'
import { PoolDriver } from './driver.ts'

const ADDRESS = '192.168.48.84'

function poolWith(status: Record<string, unknown>) {
  const known = {
    observedGeneration: 1,
    conditions: [condition('Registered', 'True')],
    ipv4: { allocated: { [ADDRESS]: TEST_MAC }, used: 1, available: 7, revision: 5 },
  }
  return ipPoolSchema.parse({ ...poolObject(), status: { ...known, ...status } })
}

test('a condition that somebody wrote by hand and that says nothing is written anew, and leases stay', () => {
  const driver = PoolDriver.started(poolWith({ conditions: [{ type: 'CacheReady', status: 'Perhaps' }] }))
  driver.tell({ type: 'registration-checked', registration: { registered: true } })

  const { patch } = driver.all('commit').at(-1) ?? {}

  expect(patch?.status).toMatchObject({
    conditions: expect.arrayContaining([expect.objectContaining({ type: 'CacheReady', status: 'True' })]),
  })
  driver.commit()
  expect(driver.state.pool?.status?.ipv4?.allocated).toMatchObject({ [ADDRESS]: TEST_MAC })
})

test('a name of an agent without its namespace is taken away', () => {
  const driver = PoolDriver.started(poolWith({ agentPodRef: { name: 'x' } }))

  expect(driver.take('commit').patch.status).toMatchObject({ agentPodRef: null })
})

test('a counter of revisions that cannot be counted on is begun anew, above all that agents know', () => {
  const driver = PoolDriver.started(
    poolWith({ ipv4: { allocated: { [ADDRESS]: TEST_MAC }, revision: Number.MAX_SAFE_INTEGER } }),
  )

  expect(driver.commit()?.ipv4?.revision).toBe(driver.now + 1)
  driver.tell({ type: 'registration-checked', registration: { registered: true } })
  const token = driver.allocate({ mac: '02:00:00:00:00:01' })
  driver.commit()
  if (driver.all('commit').length > 0) driver.commit()
  expect(driver.replyTo(token)).toMatchObject({ outcome: 'allocated' })
})
