import { pino } from 'pino'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { MessageTooLargeError } from '../../../transports/messages/errors.ts'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import type { Transport } from '../../../transports/messages/transport.ts'
import { eventually, network, openWorld, pool, RESOURCES, vm } from './world.ts'

/** A bus that takes no delta, as a broker does with one that is too large. */
function refusingDeltas(transport: Transport, refused: string[]): Transport {
  return {
    ...transport,
    publish(subject, message) {
      if (!subject.endsWith('.delta')) return transport.publish(subject, message)
      refused.push(subject)
      throw new MessageTooLargeError(subject, 2_000_000, 1_000_000, 'raise it')
    },
  }
}

test('an address is allocated and told although no message holds the news for the agents', async () => {
  const refused: string[] = []
  const bus = createLocalTransport({ clock: systemClock, log: pino({ level: 'silent' }) })
  const world = await openWorld(() => refusingDeltas(bus, refused))
  await world.create(RESOURCES.networks, network())
  await world.create(RESOURCES.pools, pool())
  await world.create(RESOURCES.vms, vm('test-vm', { 'nic-1': { mac: 'ca:70:82:e6:84:6e' } }))

  await world.startController()

  await eventually(async () => {
    const { status } = await world.config('test-vm')
    expect(status?.networkConfig?.[0]).toMatchObject({ state: 'Allocated' })
  })
  expect(refused).toContain('mdhcp.event.pool.default.net-48.delta')
})
