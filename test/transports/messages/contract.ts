import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { milliseconds, seconds } from '../../../src/api/values/time.ts'
import {
  InvalidMessageError,
  MessageTooLargeError,
  NoResponderError,
  RemoteError,
  RequestTimeoutError,
  TransportClosedError,
} from '../../../transports/messages/errors.ts'
import { InvalidSubjectError } from '../../../transports/messages/subjects.ts'
import type { IncomingMessage, Transport } from '../../../transports/messages/transport.ts'

export interface TransportUnderTest {
  transport: Transport
  /** Resolves once subscriptions made so far are in force and messages sent so far have arrived. */
  settle(): Promise<void>
}

const SOON = { timeout: milliseconds(150) }
const LATER = { timeout: seconds(5) }

/** What every transport keeps to. */
export function describeTransport(name: string, create: () => Promise<TransportUnderTest>): void {
  describe(`${name}: messages`, () => {
    let transport: Transport
    let settle: () => Promise<void>
    beforeEach(async () => {
      const made = await create()
      transport = made.transport
      settle = made.settle
    })
    afterEach(() => transport.close())

    /** Everything that `pattern` heard. */
    function hear(pattern: string): IncomingMessage[] {
      const heard: IncomingMessage[] = []
      transport.subscribe(pattern, (message) => {
        heard.push(message)
      })
      return heard
    }

    test('reach every subscriber whose pattern matches, in order', async () => {
      const exact = hear('a.b.c')
      const one = hear('a.*.c')
      const rest = hear('a.>')
      const other = hear('a.b')
      await settle()
      transport.publish('a.b.c', { body: 1 })
      transport.publish('a.x.c', { body: 2 })
      transport.publish('a.b.c', { body: 3 })
      await settle()
      expect(exact.map((message) => message.body)).toEqual([1, 3])
      expect(one.map((message) => message.body)).toEqual([1, 2, 3])
      expect(rest.map((message) => message.subject)).toEqual(['a.b.c', 'a.x.c', 'a.b.c'])
      expect(other).toEqual([])
    })

    test('arrive later, never within publish', async () => {
      const heard = hear('a')
      await settle()
      transport.publish('a', { body: 1 })
      expect(heard).toEqual([])
      await settle()
      expect(heard).toHaveLength(1)
    })

    test('are JSON: the receiver shares nothing with the sender', async () => {
      const heard = hear('a')
      await settle()
      const body = { list: [1], nothing: undefined, when: new Date(0) }
      transport.publish('a', { body })
      transport.publish('a', { body: undefined })
      body.list.push(2)
      await settle()
      expect(heard.map((message) => message.body)).toEqual([
        { list: [1], when: '1970-01-01T00:00:00.000Z' },
        null,
      ])
    })

    test('carry their headers, and no others', async () => {
      const heard = hear('a')
      await settle()
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      transport.publish('a', { body: 1, headers: { id: 'i', correlationId: 'c', traceparent } })
      transport.publish('a', { body: 2 })
      transport.publish('a', { body: 3, headers: { id: 'a\r\nb: c', correlationId: '' } })
      await settle()
      expect(heard.map((message) => message.headers)).toEqual([
        { id: 'i', correlationId: 'c', traceparent },
        {},
        {},
      ])
    })

    test('of any text arrive as they were', async () => {
      const heard = hear('a')
      await settle()
      const texts = ['', 'é ü 漢 🎉', '\u0000\r\n', '\\"']
      for (const body of texts) transport.publish('a', { body })
      await settle()
      expect(heard.map((message) => message.body)).toEqual(texts)
    })

    test('stop after unsubscribe, also those on their way in this process', async () => {
      const heard: unknown[] = []
      const subscription = transport.subscribe('a', (message) => {
        heard.push(message.body)
      })
      await settle()
      transport.publish('a', { body: 1 })
      await settle()
      subscription.unsubscribe()
      subscription.unsubscribe()
      await settle()
      transport.publish('a', { body: 2 })
      await settle()
      expect(heard).toEqual([1])
    })

    test('a handler that throws or rejects harms neither others nor what comes next', async () => {
      const seen = vi.fn()
      transport.subscribe('a', (message) => {
        seen(message.body)
        throw new Error('handler')
      })
      transport.subscribe('a', async () => {
        throw new Error('async handler')
      })
      const heard = hear('a')
      await settle()
      transport.publish('a', { body: 1 })
      transport.publish('a', { body: 2 })
      await settle()
      expect(seen.mock.calls).toEqual([[1], [2]])
      expect(heard).toHaveLength(2)
    })

    test('too large for one are refused where they are sent', async () => {
      const body = 'x'.repeat(4 * 1024 * 1024 - 4096)
      expect(() => transport.publish('a', { body })).toThrow(MessageTooLargeError)
      await expect(transport.request('a', { body }, SOON)).rejects.toThrow(MessageTooLargeError)
    })

    test('just below the limit arrive', async () => {
      const heard = hear('a')
      await settle()
      transport.publish('a', { body: 'x'.repeat(4 * 1024 * 1024 - 4098), headers: { id: 'i'.repeat(512) } })
      await settle()
      expect(heard).toHaveLength(1)
    })

    test('without a JSON form are refused where they are sent', () => {
      const circle: { self?: unknown } = {}
      circle.self = circle
      expect(() => transport.publish('a', { body: circle })).toThrow(InvalidMessageError)
      expect(() => transport.publish('a', { body: 1n })).toThrow(InvalidMessageError)
    })

    test.each(['', 'a b', 'a\r\nPUB x 0', 'a..b', '.a', 'a.', 'a.*', '>', 'ü'])(
      'to the subject "%s" are refused',
      (subject) => {
        expect(() => transport.publish(subject, { body: 1 })).toThrow(InvalidSubjectError)
      },
    )

    test.each(['', 'a b', '>.a', 'a..*'])('cannot be subscribed to with the pattern "%s"', (pattern) => {
      expect(() => transport.subscribe(pattern, () => {})).toThrow(InvalidSubjectError)
    })
  })

  describe(`${name}: requests`, () => {
    let transport: Transport
    let settle: () => Promise<void>
    beforeEach(async () => {
      const made = await create()
      transport = made.transport
      settle = made.settle
    })
    afterEach(() => transport.close())

    test('are answered', async () => {
      transport.serve('double.*', async (message) => ({
        body: Number(message.body) * 2,
        headers: message.headers,
      }))
      await settle()
      const reply = await transport.request('double.it', { body: 21, headers: { id: 'x' } }, LATER)
      expect(reply).toEqual({ subject: 'double.it', body: 42, headers: { id: 'x' } })
    })

    test('many at once each get their own answer', async () => {
      transport.serve('echo', async (message) => ({ body: message.body }))
      await settle()
      const numbers = Array.from({ length: 500 }, (_, index) => index)
      const replies = await Promise.all(numbers.map((body) => transport.request('echo', { body }, LATER)))
      expect(replies.map((reply) => reply.body)).toEqual(numbers)
    })

    test('nobody serves fail at once', async () => {
      await expect(transport.request('nobody', { body: 1 }, LATER)).rejects.toThrow(NoResponderError)
    })

    test('fail again at once when their server is gone', async () => {
      const server = transport.serve('brief', async () => ({ body: 1 }))
      await settle()
      server.unsubscribe()
      await settle()
      await expect(transport.request('brief', { body: 1 }, LATER)).rejects.toThrow(NoResponderError)
    })

    test('that only a tap hears time out: a subscriber counts as a responder', async () => {
      const tap = vi.fn()
      transport.subscribe('tapped.>', tap)
      await settle()
      await expect(transport.request('tapped.it', { body: 1 }, SOON)).rejects.toThrow(RequestTimeoutError)
      await settle()
      expect(tap).toHaveBeenCalledOnce()
    })

    test('whose handler never answers time out', async () => {
      transport.serve('slow', () => new Promise(() => {}))
      await settle()
      const error = await transport.request('slow', { body: 1 }, SOON).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(RequestTimeoutError)
      expect(error).toMatchObject({ subject: 'slow', timeoutMilliseconds: 150 })
    })

    test('whose handler fails tell why', async () => {
      transport.serve('async', async () => {
        throw new Error('the pool is full')
      })
      transport.serve('sync', () => {
        throw new Error('not even a promise')
      })
      await settle()
      const error = await transport.request('async', { body: 1 }, LATER).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(RemoteError)
      expect(error).toMatchObject({ subject: 'async', reason: 'the pool is full' })
      await expect(transport.request('sync', { body: 1 }, LATER)).rejects.toThrow('not even a promise')
    })

    test('whose answer is too large or no JSON fail with that reason', async () => {
      transport.serve('large', async () => ({ body: 'x'.repeat(5_000_000) }))
      transport.serve('circle', async () => ({ body: 1n }))
      await settle()
      await expect(transport.request('large', { body: 1 }, LATER)).rejects.toThrow(/5000002 bytes/)
      await expect(transport.request('circle', { body: 1 }, LATER)).rejects.toThrow(/no JSON form/)
    })

    test('are answered by one member of a queue group', async () => {
      const served = [0, 0]
      for (const member of [0, 1]) {
        transport.serve(
          'work',
          async () => {
            served[member] = (served[member] ?? 0) + 1
            return { body: member }
          },
          { queue: 'workers' },
        )
      }
      await settle()
      for (let count = 0; count < 100; count++) await transport.request('work', { body: count }, LATER)
      expect((served[0] ?? 0) + (served[1] ?? 0)).toBe(100)
      expect(Math.min(...served)).toBeGreaterThan(0)
    })

    test('a plain message to a served subject is not served', async () => {
      const handler = vi.fn(async () => ({ body: 1 }))
      transport.serve('served', handler)
      await settle()
      transport.publish('served', { body: 1 })
      await settle()
      expect(handler).not.toHaveBeenCalled()
    })
  })

  describe(`${name}: close`, () => {
    test('lets answers under way go out, and ends what waits', async () => {
      const { transport, settle } = await create()
      let answer = () => {}
      transport.serve(
        'under.way',
        () =>
          new Promise((resolve) => {
            answer = () => resolve({ body: 'done' })
          }),
      )
      await settle()
      const request = transport.request('under.way', { body: 1 }, LATER)
      const outcome = request.then(
        (reply) => reply.body,
        (error: unknown) => error,
      )
      await settle()
      const closed = transport.close()
      answer()
      await closed
      // Requester and server are one here: whichever comes first, nothing hangs.
      const result = await outcome
      expect(result === 'done' || result instanceof TransportClosedError).toBe(true)
    })

    test('refuses what comes after, quietly drops publishes, and may be repeated', async () => {
      const { transport } = await create()
      expect(transport.connected()).toBe(true)
      await transport.close()
      await transport.close()
      expect(transport.connected()).toBe(false)
      transport.publish('a', { body: 1 })
      await expect(transport.request('a', { body: 1 }, LATER)).rejects.toThrow(TransportClosedError)
      expect(() => transport.subscribe('a', () => {})).toThrow(TransportClosedError)
      expect(() => transport.serve('a', async () => ({ body: 1 }))).toThrow(TransportClosedError)
    })
  })
}
