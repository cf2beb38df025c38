import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { seconds } from '../../../src/api/values/time.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import { describeTransport } from './contract.ts'

const quiet = pino({ level: 'silent' })

/** Everything published before has been delivered when this message has: delivery is in order. */
async function settle() {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describeTransport('local', async () => ({
  transport: createLocalTransport({ clock: systemClock, log: quiet }),
  settle,
}))

test('more than so many messages do not wait for one subscriber: the rest is dropped and counted', async () => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line)) })
  const transport = createLocalTransport({ clock: systemClock, log, pendingLimit: 10 })
  const heard: unknown[] = []
  transport.subscribe('a', (message) => {
    heard.push(message.body)
  })
  for (let body = 0; body < 30; body++) transport.publish('a', { body })
  await settle()
  expect(heard).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(transport.stats()).toMatchObject({ published: 30, delivered: 10, droppedOverflow: 20 })
  expect(lines.map((line) => line.dropped)).toEqual([1, 10])
  transport.publish('a', { body: 'again' })
  await settle()
  expect(heard.at(-1)).toBe('again')
})

test('a server has only so many requests under way', async () => {
  const transport = createLocalTransport({ clock: systemClock, log: quiet, pendingLimit: 2 })
  const handler = vi.fn(() => new Promise<never>(() => {}))
  transport.serve('a', handler)
  const outcomes: unknown[] = []
  for (let body = 0; body < 5; body++) {
    transport.request('a', { body }, { timeout: seconds(60) }).catch((error) => outcomes.push(error))
    await settle()
  }
  expect(handler).toHaveBeenCalledTimes(2)
  expect(transport.stats().droppedOverflow).toBe(3)
})

test('a burst is delivered in order, what handlers send after it', async () => {
  const transport = createLocalTransport({ clock: systemClock, log: quiet })
  const heard: unknown[] = []
  transport.subscribe('a', (message) => {
    heard.push(message.body)
    if (message.body === 0) transport.publish('a', { body: 5000 })
  })
  for (let body = 0; body < 5000; body++) transport.publish('a', { body })
  await settle()
  expect(heard).toEqual(Array.from({ length: 5001 }, (_, index) => index))
})
