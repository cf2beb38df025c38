import { expect, test } from 'vitest'
import type { UnknownLease } from '../../../actors/pool/contracts.ts'
import { poolObject, TEST_MAC } from '../../support/objects.ts'
import { PoolDriver } from './driver.ts'

const OTHER_MAC = '02:00:00:00:00:01'
const agentReport = (unknownLeases: UnknownLease[]) => ({
  ...{ uid: 'pool-uid', revision: 1, serving: true, unknownLeases },
  pod: { namespace: 'harvester-system', name: 'agent' },
})
const ipv4Of = ({ state }: PoolDriver) => state.pool?.status?.ipv4
const addressOf = (driver: PoolDriver, mac: string) =>
  Object.entries(ipv4Of(driver)?.allocated ?? {}).find(([, holder]) => holder === mac)?.[0] ?? ''

test('what only the agent remembers rests too, as long as the lease runs', () => {
  const driver = PoolDriver.of(poolObject())
  const address = '192.168.48.82'
  const until = '2026-01-01T00:01:00Z'
  driver.tell({
    type: 'agent-report',
    token: 1,
    report: agentReport([{ address, macAddress: TEST_MAC, until }]),
  })
  driver.commit()
  expect(ipv4Of(driver)?.resting).toEqual({ [address]: { macAddress: TEST_MAC, until } })

  driver.allocate({ mac: OTHER_MAC })
  driver.commit()
  expect(addressOf(driver, OTHER_MAC)).not.toBe(address)
  driver.pass(59)
  // That the agent fell silent is written meanwhile.
  driver.commit()
  driver.pass(2)
  driver.commit()

  expect(ipv4Of(driver)?.resting).toBeUndefined()
})

test('how long such a lease runs still counts, whatever the clock of the agent says', () => {
  const driver = PoolDriver.of(poolObject())
  const lease = {
    address: '192.168.48.82',
    macAddress: TEST_MAC,
    until: '2025-12-31T23:00:00Z',
    remainingMs: 59_001,
  }

  driver.tell({ type: 'agent-report', token: 1, report: agentReport([lease]) })
  driver.commit()

  expect(ipv4Of(driver)?.resting).toEqual({
    '192.168.48.82': { macAddress: TEST_MAC, until: '2026-01-01T00:01:00Z' },
  })
})

test('an agent keeps no address from others for longer than a lease, takes none away, and adds none', () => {
  const driver = PoolDriver.of(poolObject())
  driver.allocate({ mac: OTHER_MAC })
  driver.commit()
  const held = addressOf(driver, OTHER_MAC)
  const until = '2126-01-01T00:00:00Z'

  const report = agentReport(
    [held, '192.168.48.89', '10.9.9.9'].map((address) => ({ address, macAddress: TEST_MAC, until })),
  )
  driver.tell({ type: 'agent-report', token: 1, report })
  driver.commit()

  expect(addressOf(driver, OTHER_MAC)).toBe(held)
  expect(ipv4Of(driver)?.resting).toEqual({
    '192.168.48.89': { macAddress: TEST_MAC, until: '2026-01-01T00:05:00Z' },
  })
})

test('a version that comes again is news, also when the watch spoke of it before the answer to its write came', () => {
  const driver = PoolDriver.of(poolObject())
  driver.allocate()
  const written = driver.written()
  driver.tell({ type: 'pool-changed', resourceVersion: written.metadata.resourceVersion })
  driver.tell({ type: 'commit-done', pool: written })
  driver.take('read-pool')
  driver.tell({ type: 'pool-read', pool: written })
  driver.allocate({ mac: OTHER_MAC })
  driver.commit()
  driver.tell({ type: 'pool-changed', resourceVersion: driver.state.pool?.metadata.resourceVersion })

  driver.tell({ type: 'pool-changed', resourceVersion: written.metadata.resourceVersion })

  driver.take('read-pool')
})
