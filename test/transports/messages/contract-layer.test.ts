import fc from 'fast-check'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { milliseconds, seconds } from '../../../src/api/values/time.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import {
  defineCommand,
  defineEvent,
  publishEvent,
  requestCommand,
  serveCommand,
  subscribeEvent,
} from '../../../transports/messages/contract.ts'
import {
  DisconnectedError,
  InvalidMessageError,
  NoResponderError,
  RemoteError,
  RequestTimeoutError,
} from '../../../transports/messages/errors.ts'
import { createLocalTransport, type LocalTransport } from '../../../transports/messages/local.ts'
import type { IncomingMessage } from '../../../transports/messages/transport.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const mac = z.codec(z.string(), z.custom<ReturnType<typeof parseMacAddress>>(), {
  decode: (text, context) => {
    try {
      return parseMacAddress(text)
    } catch (error) {
      context.issues.push({ code: 'custom', message: String(error), input: text })
      return z.NEVER
    }
  },
  encode: (value) => String(value),
})
const allocate = defineCommand({
  name: 'pool.allocate',
  version: 2,
  request: z.object({ mac, hint: z.string().optional() }),
  reply: z.object({ address: z.string() }),
})
const granted = defineEvent({ name: 'lease.granted', version: 1, body: z.object({ address: z.string() }) })
const SUBJECT = 'mdhcp.cmd.pool.default.net-48.allocate'
const EVENT = 'mdhcp.event.pool.default.net-48.granted'
const someMac = parseMacAddress('00:0c:01:02:03:04')

let lines: Record<string, unknown>[] = []
const log = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) })
let transport: LocalTransport
beforeEach(() => {
  lines = []
  transport = createLocalTransport({ clock: systemClock, log: pino({ level: 'silent' }) })
})
afterEach(() => transport.close())

const settle = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
const ask = (options: { attempts?: number; id?: string; timeout?: number } = {}) =>
  requestCommand(
    transport,
    allocate,
    SUBJECT,
    { mac: someMac },
    {
      clock: systemClock,
      id: options.id ?? 'request-1',
      timeout: milliseconds(options.timeout ?? 2000),
      ...(options.attempts === undefined ? {} : { attempts: options.attempts }),
    },
  )
const askRaw = (body: unknown) =>
  transport.request(SUBJECT, { body }, { timeout: seconds(5) }).then(
    (reply) => reply.body,
    (error: unknown) => error,
  )

describe('a command', () => {
  test('is encoded, checked, decoded, answered', async () => {
    const wire: IncomingMessage[] = []
    transport.subscribe('>', (message) => {
      wire.push(message)
    })
    serveCommand(
      transport,
      allocate,
      SUBJECT,
      ({ mac: asked }, { headers }) => {
        expect(asked).toEqual(someMac)
        return { address: `for ${headers.id} ${headers.correlationId}` }
      },
      { log },
    )
    const reply = await requestCommand(
      transport,
      allocate,
      SUBJECT,
      { mac: someMac },
      {
        clock: systemClock,
        id: 'i',
        correlationId: 'c',
        timeout: seconds(5),
      },
    )
    expect(reply).toEqual({ address: 'for i c' })
    expect(wire.map((message) => message.body)).toEqual([
      { v: 2, type: 'pool.allocate', body: { mac: '00:0c:01:02:03:04' } },
    ])
  })

  test('unknown fields and an older version are tolerated', async () => {
    const handler = vi.fn(() => ({ address: 'x' }))
    serveCommand(transport, allocate, SUBJECT, handler, { log })
    const body = { mac: '00:0c:01:02:03:04', colour: 'green' }
    expect(await askRaw({ v: 1, type: 'pool.allocate', body, hue: 1 })).toMatchObject({
      body: { address: 'x' },
    })
    expect(handler).toHaveBeenCalledWith({ mac: someMac }, expect.anything())
  })

  test.each([
    [{ v: 3, type: 'pool.allocate', body: {} }, /version 3, this process understands 2 at most: upgrade/],
    [{ v: 2, type: 'pool.release', body: {} }, /expected pool.allocate, got pool.release/],
    [{ v: 2, type: 'pool.allocate', body: {} }, /mac: /],
    [{ v: 2, type: 'pool.allocate', body: { mac: 'no' } }, /mac: .*"no"/],
    [{ v: 'x' }, /not a message of this project/],
    [null, /not a message of this project/],
    ['text', /not a message of this project/],
  ])('%j is refused with the reason', async (body, reason) => {
    const handler = vi.fn(() => ({ address: 'x' }))
    serveCommand(transport, allocate, SUBJECT, handler, { log })
    const error = await askRaw(body)
    expect(error).toBeInstanceOf(RemoteError)
    expect(String(error)).toMatch(reason)
    expect(handler).not.toHaveBeenCalled()
  })

  test('what is refused is counted each time and warned about once', async () => {
    const onRefused = vi.fn()
    serveCommand(transport, allocate, SUBJECT, () => ({ address: 'x' }), { log, onRefused })
    for (let count = 0; count < 5; count++) await askRaw({ v: 99, type: 'pool.allocate', body: {} })
    expect(onRefused).toHaveBeenCalledTimes(5)
    expect(lines.filter((line) => line.level === 40)).toHaveLength(1)
    expect(lines.filter((line) => line.level === 20)).toHaveLength(4)
  })

  test('no JSON value breaks a server', async () => {
    serveCommand(transport, allocate, SUBJECT, () => ({ address: 'x' }), { log })
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (body) => {
        expect(await askRaw(body)).toBeInstanceOf(RemoteError)
      }),
      { numRuns: 50 },
    )
  })

  test('a body or a reply that breaks the contract is refused where it is made', async () => {
    const wrong: { address: string } = JSON.parse('{"address": 7}')
    serveCommand(transport, allocate, SUBJECT, () => wrong, { log })
    await expect(ask()).rejects.toThrow(/pool.allocate: address/)
    expect(() => publishEvent(transport, granted, EVENT, wrong)).toThrow(InvalidMessageError)
  })

  test('a reply that is not what was agreed is an error, not a value', async () => {
    transport.serve(SUBJECT, async () => ({ body: { v: 2, type: 'pool.allocate', body: { address: 7 } } }))
    await expect(ask()).rejects.toThrow(InvalidMessageError)
  })
})

describe('a repeated request', () => {
  test('has the same id, until an answer comes', async () => {
    // Time that passes by hand: an answer that is under way is not late because the machine is busy.
    const clock = new ManualClock()
    const patient = createLocalTransport({ clock, log })
    const ids: unknown[] = []
    serveCommand(
      patient,
      allocate,
      SUBJECT,
      (_body, { headers }) => {
        ids.push(headers.id)
        return ids.length < 3 ? new Promise<never>(() => {}) : { address: 'third' }
      },
      { log },
    )
    const options = { clock, id: 'request-1', timeout: milliseconds(20) }
    const asked = requestCommand(patient, allocate, SUBJECT, { mac: someMac }, options)
    const [answer, firstPause, secondPause] = [20, 50, 100]
    for (const passing of [answer, firstPause, answer, secondPause]) {
      await settle()
      await clock.advance(milliseconds(passing))
    }
    expect(await asked).toEqual({ address: 'third' })
    expect(ids).toEqual(['request-1', 'request-1', 'request-1'])
  })

  test('ends after so many attempts, with the last failure', async () => {
    const request = vi.spyOn(transport, 'request')
    await expect(ask({ attempts: 2 })).rejects.toThrow(NoResponderError)
    expect(request).toHaveBeenCalledTimes(2)
    transport.serve(SUBJECT, () => new Promise(() => {}))
    await expect(ask({ attempts: 1, timeout: 10 })).rejects.toThrow(RequestTimeoutError)
    expect(request).toHaveBeenCalledTimes(3)
  })

  test('is made when the broker was away', async () => {
    serveCommand(transport, allocate, SUBJECT, () => ({ address: 'x' }), { log })
    vi.spyOn(transport, 'request').mockRejectedValueOnce(new DisconnectedError(SUBJECT))
    expect(await ask()).toEqual({ address: 'x' })
  })

  test('is not made when the first was refused', async () => {
    const handler = vi.fn(() => {
      throw new Error('the pool is full')
    })
    serveCommand(transport, allocate, SUBJECT, handler, { log })
    await expect(ask()).rejects.toThrow('the pool is full')
    expect(handler).toHaveBeenCalledOnce()
  })

  test('gets the answer of the first, also while that is under way', async () => {
    let finish = (_reply: { address: string }) => {}
    const handler = vi.fn(() => new Promise<{ address: string }>((resolve) => (finish = resolve)))
    serveCommand(transport, allocate, SUBJECT, handler, { log, rememberAnswers: 10 })
    const both = [ask(), ask()]
    await settle()
    finish({ address: 'one' })
    expect(await Promise.all(both)).toEqual([{ address: 'one' }, { address: 'one' }])
    expect(await ask()).toEqual({ address: 'one' })
    expect(handler).toHaveBeenCalledOnce()
  })

  test('is served anew when the first failed, or was too long ago', async () => {
    let calls = 0
    const handler = () => {
      calls++
      if (calls === 1) throw new Error('first')
      return { address: `${calls}` }
    }
    serveCommand(transport, allocate, SUBJECT, handler, { log, rememberAnswers: 1 })
    await expect(ask()).rejects.toThrow('first')
    expect(await ask()).toEqual({ address: '2' })
    expect(await ask({ id: 'other' })).toEqual({ address: '3' })
    expect(await ask()).toEqual({ address: '4' })
  })
})

describe('an event', () => {
  test('is encoded, checked, decoded; other kinds on the pattern are passed over', async () => {
    const handler = vi.fn()
    subscribeEvent(transport, granted, 'mdhcp.event.>', handler, { log })
    const expired = defineEvent({ name: 'lease.expired', version: 1, body: z.object({}) })
    publishEvent(transport, expired, EVENT, {})
    publishEvent(transport, granted, EVENT, { address: '192.168.48.81' }, { correlationId: 'c' })
    await settle()
    expect(handler.mock.calls).toEqual([
      [{ address: '192.168.48.81' }, { subject: EVENT, headers: { correlationId: 'c' } }],
    ])
    expect(lines).toEqual([])
  })

  test.each([
    null,
    7,
    {},
    { v: 1, type: 'lease.granted' },
    { v: 2, type: 'lease.granted', body: { address: 'x' } },
  ])('%j is dropped, counted and warned about', async (body) => {
    const handler = vi.fn()
    const onRefused = vi.fn()
    subscribeEvent(transport, granted, 'mdhcp.event.>', handler, { log, onRefused })
    transport.publish(EVENT, { body })
    await settle()
    expect(handler).not.toHaveBeenCalled()
    expect(onRefused).toHaveBeenCalledOnce()
    expect(lines).toHaveLength(1)
  })
})
