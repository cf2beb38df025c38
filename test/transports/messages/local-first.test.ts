import { pino } from 'pino'
import { expect, test } from 'vitest'
import { seconds } from '../../../src/api/values/time.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { DisconnectedError, NoResponderError, RemoteError } from '../../../transports/messages/errors.ts'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import { localFirst } from '../../../transports/messages/local-first.ts'
import type { Transport } from '../../../transports/messages/transport.ts'

const POOL = 'mdhcp.cmd.pool.default.net-48.allocate'
const bus = () => createLocalTransport({ clock: systemClock, log: pino({ level: 'silent' }) })
const answering = (body: unknown) => async () => ({ body })
const ask = (transport: Transport, subject = POOL) =>
  transport.request(subject, { body: {} }, { timeout: seconds(1) }).then(({ body }) => body)

/** A broker that is away. */
const away = (): Transport => ({
  ...bus(),
  request: async (subject) => Promise.reject(new DisconnectedError(subject)),
})

test('what is served in this process is asked without the broker', async () => {
  const transport = localFirst(bus(), away())
  transport.serve(POOL, answering('here'))
  await expect(ask(transport)).resolves.toBe('here')
  await expect(ask(transport, 'mdhcp.cmd.pool.default.other.allocate')).rejects.toThrow(DisconnectedError)
})

test('others ask over the broker for what is served here, and are asked for what is not', async () => {
  const broker = bus()
  const transport = localFirst(bus(), broker)
  const subscription = transport.serve(POOL, answering('here'))
  broker.serve('mdhcp.cmd.pool.default.other.allocate', answering('there'))
  await expect(ask(broker)).resolves.toBe('here')
  await expect(ask(transport, 'mdhcp.cmd.pool.default.other.allocate')).resolves.toBe('there')

  subscription.unsubscribe()
  await expect(ask(transport)).rejects.toThrow(NoResponderError)
  await expect(ask(broker)).rejects.toThrow(NoResponderError)
})

test('a handler that fails here is not asked a second time over the broker', async () => {
  const transport = localFirst(bus(), bus())
  let asked = 0
  transport.serve(POOL, async () => {
    asked += 1
    throw new Error('no')
  })
  await expect(ask(transport)).rejects.toThrow(RemoteError)
  expect(asked).toBe(1)
})

test('an event goes out once', async () => {
  const broker = bus()
  const transport = localFirst(bus(), broker)
  const seen: unknown[] = []
  transport.subscribe('mdhcp.event.>', ({ body }) => seen.push(body))
  transport.publish('mdhcp.event.pool.default.net-48.delta', { body: 1 })
  await expect.poll(() => seen).toEqual([1])
})
