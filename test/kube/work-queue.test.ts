import { expect, test } from 'vitest'
import { milliseconds, minutes, seconds } from '../../src/api/values/time.ts'
import { ThrottledError } from '../../src/kube/errors.ts'
import { createWorkQueue, type WorkQueueOptions, type WorkResult } from '../../src/kube/work-queue.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { recordingLog } from '../support/recording-log.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** A queue whose work ends when, and as, the test says. */
function setUp(options: Partial<WorkQueueOptions> = {}) {
  const clock = new ManualClock()
  const { log, lines } = recordingLog()
  const started: string[] = []
  const open = new Map<string, (result: WorkResult | Error) => void>()
  const queue = createWorkQueue({
    process(key) {
      if (open.has(key)) throw new Error(`${key} is processed twice at a time`)
      started.push(key)
      return new Promise((resolve, reject) => {
        open.set(key, (result) => {
          open.delete(key)
          if (result instanceof Error) reject(result)
          else resolve(result)
        })
      })
    },
    clock,
    random: seededRandom(),
    log,
    backoff: { first: seconds(1), longest: seconds(8) },
    ...options,
  })
  const add = async (...keys: string[]) => {
    for (const key of keys) queue.add(key)
    await clock.settle()
  }
  const finish = async (key: string, result: WorkResult | Error) => {
    open.get(key)?.(result)
    await clock.settle()
  }
  return { clock, queue, started, lines, add, finish }
}

test('a key that is added twice before its turn is processed once', async () => {
  const { started, add } = setUp()
  await add('a', 'a', 'b', 'a')
  expect(started).toEqual(['a', 'b'])
})

test('a key that is added during its turn is processed once more, afterwards', async () => {
  const { queue, started, add, finish } = setUp()
  await add('a')
  await add('a', 'a')
  expect(started).toEqual(['a'])
  await finish('a', 'done')
  expect(started).toEqual(['a', 'a'])
  await finish('a', 'done')
  expect([started.length, queue.size]).toEqual([2, 0])
})

test('no more keys than the concurrency allows are processed at a time, in the order they came', async () => {
  const { started, add, finish } = setUp({ concurrency: 2 })
  await add('a', 'b', 'c', 'd')
  expect(started).toEqual(['a', 'b'])
  await finish('b', 'done')
  expect(started).toEqual(['a', 'b', 'c'])
})

test.each<[string, WorkResult | Error]>([
  ['says again', 'again'],
  ['rejects', new Error('conflict')],
])('a key whose work %s backs off, longer each time, up to the longest delay', async (_, outcome) => {
  const { clock, queue, started, add, finish } = setUp()
  await add('a')
  for (const [least, most] of [
    [500, 1000],
    [1000, 2000],
    [2000, 4000],
    [4000, 8000],
    [4000, 8000],
  ]) {
    const count = started.length
    await finish('a', outcome)
    await clock.advance(milliseconds((least ?? 0) - 1))
    expect(started.length).toBe(count)
    await clock.advance(milliseconds((most ?? 0) - (least ?? 0) + 1))
    expect(started.length).toBe(count + 1)
  }
  expect(queue.size).toBe(1)
})

test('success ends the backoff', async () => {
  const { clock, started, add, finish } = setUp()
  await add('a')
  await finish('a', 'again')
  await clock.advance(seconds(1))
  await finish('a', 'again')
  await clock.advance(seconds(2))
  await finish('a', 'done')
  await add('a')
  await finish('a', 'again')
  await clock.advance(seconds(1))
  expect(started.length).toBe(5)
})

test('news brings a key that backs off forward, yet no closer than the first delay', async () => {
  const { clock, started, add, finish } = setUp()
  await add('a')
  for (const delay of [1, 2, 4]) {
    await finish('a', 'again')
    await clock.advance(seconds(delay))
  }
  await finish('a', 'again')
  await add('a')
  expect(started.length).toBe(4)
  await clock.advance(seconds(1))
  expect(started.length).toBe(5)
})

test('a key that asked to be processed after a while is, unless news comes first', async () => {
  const { clock, started, add, finish } = setUp()
  await add('a')
  await finish('a', { againAfter: minutes(5) })
  await clock.advance(minutes(4))
  expect(started.length).toBe(1)
  await clock.advance(minutes(1))
  expect(started.length).toBe(2)
  await finish('a', { againAfter: minutes(5) })
  await add('a')
  expect(started.length).toBe(3)
})

test('a throttling server is not asked sooner than it wants', async () => {
  const { clock, started, add, finish } = setUp()
  await add('a')
  await finish('a', new ThrottledError(429, 'too many requests', 30))
  await clock.advance(seconds(29))
  expect(started.length).toBe(1)
  await clock.advance(seconds(1))
  expect(started.length).toBe(2)
})

test('work that throws at once is logged and does not stop the others', async () => {
  const { lines, clock, queue } = setUp({
    process: (key) => {
      if (key === 'bad') throw new Error('broken')
      return Promise.resolve('done')
    },
  })
  queue.add('bad')
  queue.add('good')
  await clock.settle()
  expect(lines.map((line) => [line.msg, line.key])).toEqual([['work failed; trying again', 'bad']])
  expect(queue.size).toBe(1)
})

test('close waits for what is being processed, begins nothing new and leaves no timer', async () => {
  const { clock, queue, started, add, finish } = setUp({ concurrency: 1 })
  await add('a')
  await finish('a', 'again')
  await add('b', 'c')
  let isClosed = false
  const closing = queue.close().then(() => {
    isClosed = true
  })
  await clock.settle()
  expect(isClosed).toBe(false)
  await finish('b', 'again')
  await closing
  queue.add('d')
  await clock.advance(minutes(10))
  expect([started, clock.pending, queue.size]).toEqual([['a', 'b'], 0, 0])
})
