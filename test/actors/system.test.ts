import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  ActorNameTakenError,
  type ActorRef,
  type ActorSystem,
  ActorSystemStoppedError,
  type Self,
  startActorSystem,
} from '../../actors/system.ts'
import { type Instant, later, milliseconds, minutes, toInstant } from '../../src/api/values/time.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import type { Random } from '../../src/runtime/random.ts'
import { createLocalTransport } from '../../transports/messages/local.ts'

const lines: Record<string, unknown>[] = []
const log = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) })
const random: Random = { next: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' }

/** Time that moves only when the test says so. */
function manualClock() {
  let now = toInstant(0)
  let timers: { at: Instant; action: () => void }[] = []
  const clock: Clock = {
    now: () => now,
    after(delay, action) {
      const timer = { at: later(now, delay), action }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
  }
  function advance(by: number) {
    now = later(now, milliseconds(by))
    const due = timers.filter((timer) => timer.at <= now)
    timers = timers.filter((timer) => timer.at > now)
    for (const timer of due) timer.action()
  }
  return { clock, advance, waiting: () => timers.map((timer) => timer.at - now) }
}

/** Lets every message that is on its way arrive. */
const settle = async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}

let time: ReturnType<typeof manualClock>
let system: ActorSystem
beforeEach(() => {
  lines.length = 0
  time = manualClock()
  system = startActorSystem({ name: 'test', log, clock: time.clock, random })
})
afterEach(() => system.stopAll(milliseconds(0)))

type Note = { type: 'add'; value: number } | { type: 'fail' } | { type: 'hold'; until: () => void }

/** Keeps a list of what it was told, and of its lives. */
function noteTaker(options: { mailboxLimit?: number; name?: string } = {}) {
  const lives: number[][] = []
  const actor = system.spawn<number[], Note>({
    name: 'notes',
    ...options,
    initial: () => {
      const notes: number[] = []
      lives.push(notes)
      return notes
    },
    receive: (notes, note) => {
      if (note.type === 'fail') throw new Error('cannot bear it')
      if (note.type === 'hold') note.until()
      else notes.push(note.value)
      return notes
    },
  })
  return { actor, lives }
}

describe('a mailbox', () => {
  test('is worked off in order, never at once', async () => {
    const { actor, lives } = noteTaker()
    for (const value of [1, 2, 3]) expect(actor.tell({ type: 'add', value })).toBe(true)
    expect(lives).toEqual([])
    await settle()
    expect(lives).toEqual([[1, 2, 3]])
    expect(system.stats()).toEqual({ actors: 1, pending: 0, restarts: 0, dropped: 0 })
  })

  test('holds only so much: what is told beyond is refused, counted and warned about once', async () => {
    const { actor, lives } = noteTaker({ mailboxLimit: 2 })
    const accepted = [1, 2, 3, 4].map((value) => actor.tell({ type: 'add', value }))
    expect(accepted).toEqual([true, true, false, false])
    expect(system.stats()).toMatchObject({ pending: 2, dropped: 2 })
    expect(lines.filter((line) => line.msg === 'mailbox full, messages are dropped')).toHaveLength(1)
    await settle()
    expect(lives).toEqual([[1, 2]])
    expect(actor.tell({ type: 'add', value: 5 })).toBe(true)
  })

  test('falsy messages arrive like others', async () => {
    const seen: unknown[] = []
    const actor = system.spawn<null, number | string | null | undefined | boolean>({
      name: 'falsy',
      initial: () => null,
      receive: (state, message) => {
        seen.push(message)
        return state
      },
    })
    for (const message of [0, '', null, undefined, false]) actor.tell(message)
    await settle()
    expect(seen).toEqual([0, '', null, undefined, false])
  })

  test('a reference for other messages does not compile', () => {
    const { actor } = noteTaker()
    // @ts-expect-error: an actor for notes is not one for text
    const wrong: ActorRef<string> = actor
    expect(wrong).toBe(actor)
  })
})

describe('a crash', () => {
  test('is logged with the actor and the message, and a new life starts from initial', async () => {
    const { actor, lives } = noteTaker()
    actor.tell({ type: 'add', value: 1 })
    actor.tell({ type: 'fail' })
    await settle()
    expect(lines).toContainEqual(
      expect.objectContaining({ actor: 'test/notes', message: 'fail', msg: 'actor crashed', restartIn: 75 }),
    )
    time.advance(75)
    actor.tell({ type: 'add', value: 2 })
    await settle()
    expect(lives).toEqual([[1], [2]])
    expect(system.stats()).toMatchObject({ actors: 1, restarts: 1, dropped: 0 })
  })

  test('takes the mailbox with it, and what is told until the restart: both are counted', async () => {
    const { actor, lives } = noteTaker()
    actor.tell({ type: 'fail' })
    actor.tell({ type: 'add', value: 1 })
    await settle()
    expect(actor.tell({ type: 'add', value: 2 })).toBe(false)
    expect(system.stats()).toMatchObject({ pending: 0, dropped: 2 })
    time.advance(75)
    await settle()
    expect(lives).toEqual([[], []])
  })

  test('after a crash the wait doubles up to its limit, and a healthy life makes it short again', async () => {
    const waits: (number | undefined)[] = []
    const { actor } = noteTaker()
    const crash = async () => {
      actor.tell({ type: 'fail' })
      await settle()
      const [wait] = time.waiting()
      waits.push(wait)
      time.advance(wait ?? 0)
    }
    for (let count = 0; count < 11; count++) await crash()
    expect(waits).toEqual([75, 150, 300, 600, 1200, 2400, 4800, 9600, 19200, 22500, 22500])
    time.advance(minutes(1))
    await crash()
    expect(waits.at(-1)).toBe(75)
  })

  test('of initial is retried with the same backoff, also when it is asynchronous', async () => {
    let attempts = 0
    const actor = system.spawn<string[], string>({
      name: 'late',
      initial: async () => {
        attempts++
        if (attempts < 3) throw new Error('the API is down')
        return ['ready']
      },
      receive: (state, message) => [...state, message],
    })
    await settle()
    time.advance(75)
    await settle()
    time.advance(150)
    await settle()
    expect(attempts).toBe(3)
    expect(actor.tell('hello')).toBe(true)
  })

  test('a state of undefined is a crash, not a state', async () => {
    const actor = system.spawn<number | undefined, string>({
      name: 'forgetful',
      initial: () => 1,
      receive: () => undefined,
    })
    actor.tell('forget')
    await settle()
    expect(lines).toContainEqual(
      expect.objectContaining({ err: expect.objectContaining({ type: 'UndefinedStateError' }) }),
    )
    expect(system.stats().restarts).toBe(1)
  })

  test('a state is released at the end of each life', async () => {
    const released: number[] = []
    let lives = 0
    const actor = system.spawn<number, 'fail'>({
      name: 'holder',
      initial: () => ++lives,
      ended: (state) => released.push(state),
      receive: () => {
        throw new Error('no')
      },
    })
    actor.tell('fail')
    await settle()
    time.advance(100)
    await settle()
    actor.stop()
    expect(released).toEqual([1, 2])
  })
})

test('messages wait while the first state is fetched', async () => {
  let deliver = (_state: string[]) => {}
  const seen: string[][] = []
  const actor = system.spawn<string[], string>({
    name: 'loading',
    initial: () => new Promise((resolve) => (deliver = resolve)),
    started: () => 'first',
    receive: (state, message) => {
      seen.push([...state, message])
      return [...state, message]
    },
  })
  actor.tell('early')
  await settle()
  expect(seen).toEqual([])
  deliver(['loaded'])
  await settle()
  expect(seen.at(-1)).toEqual(['loaded', 'first', 'early'])
})

describe('stop', () => {
  test('drops what waits; later messages are refused and counted; the name is free again', async () => {
    const { actor, lives } = noteTaker()
    actor.tell({ type: 'add', value: 1 })
    actor.stop()
    actor.stop()
    expect(actor.tell({ type: 'add', value: 2 })).toBe(false)
    await settle()
    expect(lives).toEqual([])
    expect(system.stats()).toEqual({ actors: 0, pending: 0, restarts: 0, dropped: 2 })

    const successor = noteTaker()
    actor.tell({ type: 'add', value: 3 })
    successor.actor.tell({ type: 'add', value: 4 })
    await settle()
    expect(successor.lives).toEqual([[4]])
  })

  test('a stopped actor is not restarted', async () => {
    const { actor, lives } = noteTaker()
    actor.tell({ type: 'fail' })
    await settle()
    actor.stop()
    time.advance(60_000)
    await settle()
    expect(lives).toHaveLength(1)
  })

  test('from within receive ends the life at once', async () => {
    const seen: string[] = []
    const actor = system.spawn<null, string>({
      name: 'one-off',
      initial: () => null,
      receive: (state, message, self) => {
        seen.push(message)
        self.stop()
        return state
      },
    })
    actor.tell('one')
    actor.tell('two')
    await settle()
    expect(seen).toEqual(['one'])
    expect(system.stats()).toMatchObject({ actors: 0, dropped: 1 })
  })

  test('of the system lets the mailboxes run empty, then refuses new actors', async () => {
    const { actor, lives } = noteTaker()
    for (const value of [1, 2, 3]) actor.tell({ type: 'add', value })
    await system.stopAll()
    expect(lives).toEqual([[1, 2, 3]])
    expect(() => noteTaker({ name: 'other' })).toThrow(ActorSystemStoppedError)
    expect(system.stats().actors).toBe(0)
  })

  test('of the system waits no longer than its grace', async () => {
    system
      .spawn<null, string>({ name: 'never', initial: () => new Promise(() => {}), receive: () => null })
      .tell('x')
    const stopped = system.stopAll(milliseconds(1000))
    time.advance(1000)
    await stopped
    expect(system.stats()).toMatchObject({ actors: 0, pending: 0, dropped: 1 })
  })
})

test('a name is taken by one actor at a time, whatever characters it has', () => {
  noteTaker({ name: 'ns/net:48 ü' })
  expect(() => noteTaker({ name: 'ns/net:48 ü' })).toThrow(ActorNameTakenError)
})

test('two systems of one name do not meet', async () => {
  const other = startActorSystem({ name: 'test', log, clock: time.clock, random })
  const { actor, lives } = noteTaker()
  await other.stopAll()
  actor.tell({ type: 'add', value: 1 })
  await settle()
  expect(lives).toEqual([[1]])
})

describe('a decider', () => {
  type Message = { type: 'start' } | { type: 'done'; result: string } | { type: 'poison' }
  type Effect = { type: 'work'; state: string } | { type: 'explode' } | { type: 'reject' } | { type: 'stop' }

  function worker(run: (effect: Effect, self: Self<Message>) => void | Promise<void>, effects: Effect[]) {
    const states: string[] = []
    const actor = system.spawnDecider<string, Message, Effect>({
      name: 'worker',
      initial: () => 'idle',
      decide: (state, message, now) => {
        states.push(`${state} ${message.type} ${now}`)
        if (message.type === 'start') return { state: 'busy', effects }
        return { state: 'idle', effects: [] }
      },
      run,
    })
    return { actor, states }
  }

  test('runs effects in order and hears of their outcome as a message', async () => {
    const run = vi.fn((effect: Effect, self: Self<Message>) => {
      if (effect.type === 'work') self.tell({ type: 'done', result: effect.state })
    })
    const { actor, states } = worker(run, [
      { type: 'work', state: 'a' },
      { type: 'work', state: 'b' },
    ])
    time.advance(7)
    actor.tell({ type: 'start' })
    await settle()
    expect(run.mock.calls.map(([effect]) => effect)).toEqual([
      { type: 'work', state: 'a' },
      { type: 'work', state: 'b' },
    ])
    expect(states).toEqual(['idle start 7', 'busy done 7', 'idle done 7'])
  })

  test.each([
    ['throws', { type: 'explode' } as const],
    ['rejects', { type: 'reject' } as const],
  ])('whose effect %s is restarted, and logs what it did', async (_how, effect) => {
    const { actor, states } = worker(
      (it) => {
        if (it.type === 'reject') return Promise.reject(new Error('late no'))
        throw new Error('no')
      },
      [effect],
    )
    actor.tell({ type: 'start' })
    await settle()
    expect(lines).toContainEqual(expect.objectContaining({ actor: 'test/worker', message: 'start' }))
    time.advance(75)
    await settle()
    actor.tell({ type: 'poison' })
    await settle()
    expect(states.at(-1)).toBe('idle poison 75')
  })

  test('does not hear outcomes of an earlier life', async () => {
    let earlier: Self<Message> | undefined
    const { actor, states } = worker(
      (_effect, self) => {
        earlier = self
        throw new Error('no')
      },
      [{ type: 'explode' }],
    )
    actor.tell({ type: 'start' })
    await settle()
    time.advance(75)
    await settle()
    expect(earlier?.tell({ type: 'done', result: 'too late' })).toBe(false)
    await settle()
    expect(states).toEqual(['idle start 0'])
  })

  test('that stops itself runs no further effects', async () => {
    const ran: string[] = []
    const { actor } = worker(
      (effect, self) => {
        ran.push(effect.type)
        if (effect.type === 'stop') self.stop()
      },
      [{ type: 'stop' }, { type: 'explode' }],
    )
    actor.tell({ type: 'start' })
    await settle()
    expect(ran).toEqual(['stop'])
  })
})

test('10,000 actors start, hear a message each and stop', async () => {
  let heard = 0
  const actors = Array.from({ length: 10_000 }, (_, index) =>
    system.spawn<null, string>({
      name: `actor ${index}`,
      initial: () => null,
      receive: (state) => {
        heard++
        return state
      },
    }),
  )
  for (const actor of actors) actor.tell('hello')
  await settle()
  expect(heard).toBe(10_000)
  for (const actor of actors) actor.stop()
  expect(system.stats()).toEqual({ actors: 0, pending: 0, restarts: 0, dropped: 0 })
})

test('nothing happens by itself when the event loop is a virtual one, and everything when it is run', async () => {
  vi.useFakeTimers({ toFake: ['setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout', 'Date'] })
  try {
    const { actor, lives } = noteTaker()
    const transport = createLocalTransport({ clock: time.clock, log })
    transport.subscribe('a', (message) => actor.tell({ type: 'add', value: Number(message.body) }))
    transport.publish('a', { body: 7 })
    actor.tell({ type: 'add', value: 6 })
    await Promise.resolve()
    expect(lives).toEqual([])
    await vi.runAllTimersAsync()
    expect(lives).toEqual([[6, 7]])
  } finally {
    vi.useRealTimers()
  }
})
