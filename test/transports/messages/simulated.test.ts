import fc from 'fast-check'
import { pino } from 'pino'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type Duration, milliseconds, seconds } from '../../../src/api/values/time.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import {
  DisconnectedError,
  InvalidMessageError,
  NoResponderError,
  RemoteError,
  RequestTimeoutError,
} from '../../../transports/messages/errors.ts'
import { createSimulatedBroker, type SimulatedBroker } from '../../../transports/messages/simulated.ts'
import type { MessageNetwork, ObservedMessage } from '../../../transports/messages/simulated-network.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { describeTransport } from './contract.ts'

const log = pino({ level: 'silent' })
const ms = milliseconds

describeTransport('simulated', async () => {
  const faultless: MessageNetwork = {
    schedule: (_process, _delay, action) => setImmediate(action),
    fate: () => [ms(0)],
    isConnected: () => true,
  }
  const transport = createSimulatedBroker(faultless).connect({ process: 'one', clock: systemClock, log })
  return {
    transport,
    async settle() {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    },
  }
})

/** What becomes of each message is said by the test: one copy after 1 ms where it says nothing. */
function scriptedNetwork(clock: ManualClock) {
  const script = new Map<string, (readonly Duration[])[]>()
  const cut = new Set<string>()
  const disconnected = new Set<string>()
  const dead = new Set<string>()
  const observed: ObservedMessage[] = []
  const spoiled = new Set<string>()
  const network: MessageNetwork = {
    schedule(process, delay, action) {
      clock.after(delay, () => {
        if (!dead.has(process)) action()
      })
    },
    fate(from, to) {
      if (cut.has(`${from} → ${to}`)) return []
      return script.get(`${from} → ${to}`)?.shift() ?? [ms(1)]
    },
    spoil: (from, to) => (spoiled.has(`${from} → ${to}`) ? (text) => text.slice(1) : undefined),
    isConnected: (process) => !disconnected.has(process),
    observe: (message) => observed.push(message),
  }
  return {
    network,
    observed,
    disconnected,
    dead,
    cut,
    spoiled,
    /** The fates of the next messages from one to the other, in order. */
    next: (link: string, ...fates: Duration[][]) => script.set(link, fates),
  }
}

let clock: ManualClock
let world: ReturnType<typeof scriptedNetwork>
let broker: SimulatedBroker
beforeEach(() => {
  clock = new ManualClock()
  world = scriptedNetwork(clock)
  broker = createSimulatedBroker(world.network)
})

const connect = (process: string, pendingLimit?: number) =>
  broker.connect({ process, clock, log, ...(pendingLimit !== undefined && { pendingLimit }) })

/** A process that keeps what it hears on `pattern`. */
function listener(process: string, pattern = 'a', pendingLimit?: number) {
  const transport = connect(process, pendingLimit)
  const heard: unknown[] = []
  const subscription = transport.subscribe(pattern, ({ body }) => {
    heard.push(body)
  })
  return { transport, heard, subscription }
}

/** A process that counts what it is asked, and answers with the count. */
function server(process: string, pattern = 'ask', queue?: string) {
  const transport = connect(process)
  const handler = vi.fn(async () => ({ body: handler.mock.calls.length }))
  transport.serve(pattern, handler, queue === undefined ? {} : { queue })
  return { transport, handler }
}

/** The outcome of a request, so far. */
function ask(process: string, timeout: Duration = ms(300)) {
  const asked: { outcome?: unknown } = {}
  connect(process)
    .request('ask', { body: 'please' }, { timeout })
    .then(
      (reply) => {
        asked.outcome = reply.body
      },
      (error: unknown) => {
        asked.outcome = error
      },
    )
  return asked
}

describe('a message', () => {
  test('that is lost for one process reaches the others', async () => {
    const [one, two] = [listener('one'), listener('two')]
    world.next('sender → one', [])
    connect('sender').publish('a', { body: 1 })
    await clock.advance(seconds(1))
    expect([one.heard, two.heard]).toEqual([[], [1]])
  })

  test('that is doubled arrives twice, in every subscription of the process', async () => {
    const { transport, heard } = listener('one')
    transport.subscribe('*', ({ body }) => {
      heard.push(`also ${body}`)
    })
    world.next('sender → one', [ms(1), ms(5)])
    connect('sender').publish('a', { body: 1 })
    await clock.advance(ms(1))
    expect(heard).toEqual([1, 'also 1'])
    await clock.advance(ms(4))
    expect(heard).toEqual([1, 'also 1', 1, 'also 1'])
  })

  test('that takes longer is overtaken; those that take as long arrive as they were sent', async () => {
    const { heard } = listener('one')
    const sender = connect('sender')
    world.next('sender → one', [ms(9)], [ms(3)], [ms(3)], [ms(3)])
    for (const body of ['slow', 1, 2, 3]) sender.publish('a', { body })
    await clock.advance(ms(9))
    expect(heard).toEqual([1, 2, 3, 'slow'])
  })

  test('on its way to a subscription that ends meanwhile is not heard', async () => {
    const { heard, subscription } = listener('one')
    connect('sender').publish('a', { body: 1 })
    subscription.unsubscribe()
    await clock.advance(seconds(1))
    expect(heard).toEqual([])
  })

  test('goes to the members of a queue group in turn, wherever they run', async () => {
    const servers = ['one', 'two', 'three'].map((process) => server(process, 'ask', 'workers'))
    for (let count = 0; count < 9; count++) ask('asker')
    await clock.advance(ms(10))
    expect(servers.map(({ handler }) => handler.mock.calls.length)).toEqual([3, 3, 3])
  })

  test('is told to the trace, with what becomes of it, both ways', async () => {
    server('one')
    world.next('asker → one', [ms(1), ms(2)])
    world.next('one → asker', [ms(4)], [])
    ask('asker')
    await clock.advance(seconds(1))
    expect(world.observed).toEqual([
      { from: 'asker', to: 'one', subject: 'ask', kind: 'request', body: 'please', delays: [1, 2] },
      { from: 'one', to: 'asker', subject: 'ask', kind: 'reply', body: 1, delays: [4] },
      { from: 'one', to: 'asker', subject: 'ask', kind: 'reply', body: 2, delays: [] },
    ])
  })

  test('beyond the limit of what may wait for a subscription is dropped and counted', async () => {
    const slow = listener('slow', 'a', 2)
    const quick = listener('quick')
    const sender = connect('sender')
    for (let body = 0; body < 5; body++) sender.publish('a', { body })
    await clock.advance(ms(1))
    expect(slow.heard).toEqual([0, 1])
    expect(slow.transport.stats()).toMatchObject({ delivered: 2, droppedOverflow: 3 })
    expect(quick.heard).toEqual([0, 1, 2, 3, 4])
    sender.publish('a', { body: 'again' })
    await clock.advance(ms(1))
    expect(slow.heard).toEqual([0, 1, 'again'])
  })
})

describe('a request', () => {
  test('whose reply is lost was carried out all the same, and times out', async () => {
    const { handler } = server('one')
    world.cut.add('one → asker')
    const asked = ask('asker', ms(300))
    await clock.advance(ms(299))
    expect(handler).toHaveBeenCalledOnce()
    expect(asked.outcome).toBeUndefined()
    await clock.advance(ms(1))
    expect(asked.outcome).toBeInstanceOf(RequestTimeoutError)
  })

  test('that is lost is not carried out, and times out', async () => {
    const { handler } = server('one')
    world.cut.add('asker → one')
    const asked = ask('asker')
    await clock.advance(seconds(1))
    expect(handler).not.toHaveBeenCalled()
    expect(asked.outcome).toBeInstanceOf(RequestTimeoutError)
  })

  test('that is doubled is carried out twice; the first answer to arrive counts', async () => {
    const { handler } = server('one')
    world.next('asker → one', [ms(1), ms(2)])
    world.next('one → asker', [ms(50)], [ms(3)])
    const asked = ask('asker')
    await clock.advance(seconds(1))
    expect(handler).toHaveBeenCalledTimes(2)
    expect(asked.outcome).toBe(2)
  })

  test('an answer that comes after the time-out changes nothing', async () => {
    server('one')
    world.next('one → asker', [ms(400)])
    const asked = ask('asker', ms(300))
    await clock.advance(seconds(1))
    expect(asked.outcome).toBeInstanceOf(RequestTimeoutError)
  })

  test('that nobody serves fails after the way to the broker and back, not at once', async () => {
    world.next('asker → broker', [ms(20)])
    world.next('broker → asker', [ms(30)])
    const asked = ask('asker')
    await clock.advance(ms(49))
    expect(asked.outcome).toBeUndefined()
    await clock.advance(ms(1))
    expect(asked.outcome).toBeInstanceOf(NoResponderError)
  })

  test('that nobody serves times out when the broker cannot be heard', async () => {
    world.cut.add('broker → asker')
    const asked = ask('asker')
    await clock.advance(seconds(1))
    expect(asked.outcome).toBeInstanceOf(RequestTimeoutError)
  })

  test('under way at a server is bounded', async () => {
    const transport = connect('one', 2)
    const handler = vi.fn(() => new Promise<never>(() => {}))
    transport.serve('ask', handler)
    for (let count = 0; count < 5; count++) {
      ask('asker')
      await clock.advance(ms(5))
    }
    expect(handler).toHaveBeenCalledTimes(2)
    expect(transport.stats().droppedOverflow).toBe(3)
  })

  test('that a server does not accept is left to the others', async () => {
    const away = connect('away')
    const refused = vi.fn(async () => ({ body: 'away' }))
    away.serve('ask', refused, { accepts: () => false })
    server('one')
    const asked = ask('asker')
    await clock.advance(seconds(1))
    expect(asked.outcome).toBe(1)
    expect(refused).not.toHaveBeenCalled()
  })
})

describe('a process without its connection to the broker', () => {
  test('publishes into the void, hears nothing, and is complete when it is back', async () => {
    const { transport, heard } = listener('one')
    world.disconnected.add('one')
    expect(transport.connected()).toBe(false)
    transport.publish('b', { body: 'lost' })
    const made: unknown[] = []
    transport.subscribe('a', ({ body }) => {
      made.push(body)
    })
    const other = listener('two', '*')
    other.transport.publish('a', { body: 'missed' })
    await clock.advance(seconds(1))
    expect([heard, other.heard]).toEqual([[], ['missed']])
    expect(transport.stats()).toMatchObject({ published: 0, droppedUnsent: 1 })

    world.disconnected.delete('one')
    other.transport.publish('a', { body: 'heard' })
    await clock.advance(seconds(1))
    expect([heard, made]).toEqual([['heard'], ['heard']])
  })

  test('cannot ask, and nobody can ask it', async () => {
    server('one')
    world.disconnected.add('one')
    const asked = ask('asker')
    await clock.advance(ms(2))
    expect(asked.outcome).toBeInstanceOf(NoResponderError)
    const own = ask('one')
    await clock.advance(ms(0))
    expect(own.outcome).toBeInstanceOf(DisconnectedError)
  })

  test('does not get what was on its way', async () => {
    const { heard } = listener('one')
    connect('sender').publish('a', { body: 1 })
    world.disconnected.add('one')
    await clock.advance(seconds(1))
    expect(heard).toEqual([])
  })

  test('cannot answer what it was asked before', async () => {
    let answer = () => {}
    connect('one').serve(
      'ask',
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ body: 'too late' })
        }),
    )
    const asked = ask('asker')
    await clock.advance(ms(1))
    world.disconnected.add('one')
    answer()
    await clock.settle()
    world.disconnected.delete('one')
    await clock.advance(seconds(1))
    expect(asked.outcome).toBeInstanceOf(RequestTimeoutError)
  })

  test('does not get an answer that was given meanwhile, although it is back before that would arrive', async () => {
    server('one')
    world.next('one → asker', [ms(50)])
    const asked = ask('asker')
    world.disconnected.add('asker')
    await clock.advance(ms(1))
    world.disconnected.delete('asker')
    await clock.advance(seconds(1))
    expect(asked.outcome).toBeInstanceOf(RequestTimeoutError)
  })

  test('learns at once that what it asked fails when it notices, and by the time-out when it does not', async () => {
    connect('one').serve('ask', () => new Promise(() => {}))
    const [noticed, unnoticed] = [ask('asker'), ask('other')]
    await clock.advance(ms(5))
    world.disconnected.add('asker').add('other')
    broker.lost('asker')
    await clock.settle()
    expect(noticed.outcome).toBeInstanceOf(DisconnectedError)
    expect(unnoticed.outcome).toBeUndefined()
    await clock.advance(seconds(1))
    expect(unnoticed.outcome).toBeInstanceOf(RequestTimeoutError)
  })
})

describe('a process that was killed', () => {
  test('no longer counts as a responder, and its next life hears nothing of the one before', async () => {
    const first = server('one')
    ask('asker')
    world.dead.add('one')
    broker.drop('one')
    await clock.advance(seconds(1))
    const asked = ask('asker')
    await clock.advance(ms(2))
    expect(asked.outcome).toBeInstanceOf(NoResponderError)

    world.dead.delete('one')
    const second = server('one')
    const again = ask('asker')
    await clock.advance(seconds(1))
    expect(again.outcome).toBe(1)
    expect(first.handler).not.toHaveBeenCalled()
    expect(second.handler).toHaveBeenCalledOnce()
  })

  test('what is left of it in memory neither sends, answers, asks nor hears', async () => {
    const other = listener('two', '>')
    const transport = connect('one')
    let answer = () => {}
    transport.serve(
      'ask',
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ body: 'from the grave' })
        }),
    )
    const asked = ask('asker')
    const settled = vi.fn()
    transport.request('anything', { body: 1 }, { timeout: ms(300) }).then(settled, settled)
    await clock.advance(ms(1))
    const ofTheAsker = 1
    expect(clock.pending).toBe(ofTheAsker + 1)
    broker.drop('one')
    expect(clock.pending).toBe(ofTheAsker)
    world.observed.length = 0

    answer()
    transport.publish('a', { body: 'ghost' })
    transport.subscribe('a', () => settled()).unsubscribe()
    transport.request('ask', { body: 1 }, { timeout: ms(300) }).then(settled, settled)
    other.transport.publish('a', { body: 1 })
    await clock.advance(seconds(1))
    expect(world.observed.map(({ from, to }) => `${from} → ${to}`)).toEqual(['two → two'])
    expect(asked.outcome).toBeInstanceOf(RequestTimeoutError)
    expect(settled).not.toHaveBeenCalled()
    await transport.close()
  })
})

test('whatever becomes of messages: each copy that arrives is heard once, in the order of arrival, and no other', async () => {
  const fates = fc.array(fc.array(fc.nat(20), { maxLength: 3 }), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(fates, async (drawn) => {
      clock = new ManualClock()
      world = scriptedNetwork(clock)
      broker = createSimulatedBroker(world.network)
      const { heard } = listener('one')
      const sender = connect('sender')
      world.next('sender → one', ...drawn.map((delays) => delays.map(ms)))
      for (const body of drawn.keys()) sender.publish('a', { body })
      await clock.advance(seconds(1))
      const expected = drawn
        .flatMap((delays, body) => delays.map((delay) => ({ delay, body })))
        .sort((one, other) => one.delay - other.delay)
      expect(heard).toEqual(expected.map(({ body }) => body))
    }),
    { numRuns: 50 },
  )
})

test('a message that is spoiled on its way reaches no handler, and harms nobody else', async () => {
  const hit = listener('hit')
  const well = listener('well')
  world.spoiled.add('sender → hit')

  connect('sender').publish('a', { body: { text: 'x' } })
  await clock.advance(ms(5))

  expect([hit.heard, well.heard]).toEqual([[], [{ text: 'x' }]])
  expect(hit.transport.stats()).toMatchObject({ delivered: 0, droppedInvalid: 1, handlerFailures: 0 })
})

test('a request that is spoiled is refused, and a reply that is spoiled is a failed request', async () => {
  const { handler } = server('server')
  world.spoiled.add('there → server').add('server → back')

  const [there, back] = [ask('there'), ask('back')]
  await clock.advance(seconds(1))

  expect(handler).toHaveBeenCalledOnce()
  expect([there.outcome, back.outcome]).toEqual([expect.any(RemoteError), expect.any(InvalidMessageError)])
})
