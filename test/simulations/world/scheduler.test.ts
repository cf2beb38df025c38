import { expect, test } from 'vitest'
import { createChance } from '../../../simulations/world/chance.ts'
import { newLife } from '../../../simulations/world/life.ts'
import { LivelockError, Scheduler } from '../../../simulations/world/scheduler.ts'

const nextTurn = (action: () => void) => {
  setImmediate(action)
}
const never = () => false

function setUp(seed = 1) {
  const outside = newLife('outside')
  const scheduler = new Scheduler(createChance(seed, 'order'), outside)
  const said: string[] = []
  return {
    scheduler,
    outside,
    said,
    say: (text: string) => () => said.push(`${scheduler.now} ${text}`),
    run: (until: number) => scheduler.runUntil(until, nextTurn, never),
  }
}

test('what is due happens in order, each at its own time, and time stands at the end afterwards', async () => {
  const { scheduler, outside, said, say, run } = setUp()
  scheduler.after(20, outside, say('later'))
  scheduler.after(10, outside, say('sooner'))
  scheduler.after(10, outside, say('and this'))
  scheduler.after(99, outside, say('never'))

  await run(50)

  expect(said).toEqual(['10 sooner', '10 and this', '20 later'])
  expect(scheduler.now).toBe(50)
})

test('promises come to their end between two turns', async () => {
  const { scheduler, outside, said, say, run } = setUp()
  scheduler.after(1, outside, () => {
    void Promise.resolve()
      .then(() => {})
      .then(say('promise'))
  })
  scheduler.after(1, outside, say('next turn'))

  await run(1)

  expect(said).toEqual(['1 promise', '1 next turn'])
})

test('what is ready at one moment runs in an order of chance, the same for the same seed', async () => {
  const order = async (seed: number) => {
    const { scheduler, outside, said, say, run } = setUp(seed)
    for (const name of 'abcdefgh') scheduler.soon(outside, say(name))
    await run(1)
    return said.join()
  }

  expect(await order(1)).toBe(await order(1))
  expect(await order(1)).not.toBe(await order(2))
})

test('nothing happens in a life that is over, or that was cancelled', async () => {
  const { scheduler, outside, said, say, run } = setUp()
  const life = newLife('agent')
  scheduler.after(1, life, say('dead'))
  scheduler.after(1, outside, say('cancelled'))()
  life.alive = false

  await run(5)

  expect(said).toEqual([])
})

test('what falls due while a process is stopped happens when it goes on, in order', async () => {
  const { scheduler, outside, said, say, run } = setUp()
  const life = { ...newLife('controller'), paused: true }
  for (const name of ['first', 'second', 'third']) scheduler.after(1, life, say(name))
  scheduler.after(10, outside, () => scheduler.resume(life))

  await run(20)

  expect(said).toEqual(['10 first', '10 second', '10 third'])
})

test('who asks itself again and again while no time passes is found out', async () => {
  const { scheduler, run } = setUp()
  const life = newLife('controller-1')
  const again = () => {
    scheduler.soon(life, again)
  }
  scheduler.soon(life, again)

  await expect(run(1)).rejects.toThrow(LivelockError)
})
