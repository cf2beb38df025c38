import { expect, test } from 'vitest'
import { ArmedStrikes } from '../../../simulations/faults/armed.ts'
import { createChance } from '../../../simulations/world/chance.ts'
import { newLife } from '../../../simulations/world/life.ts'
import { Machine } from '../../../simulations/world/machine.ts'
import { Scheduler } from '../../../simulations/world/scheduler.ts'
import type { World } from '../../../simulations/world/world.ts'

function setUp() {
  const scheduler = new Scheduler(createChance(1, 'order'), newLife('outside'))
  const reached: World['reached'] = () => {}
  const world = { scheduler, reached, processes: new Map() }
  const armed = new ArmedStrikes(world)
  const { life } = new Machine('controller-1', scheduler).begin()
  const struck: string[] = []
  const pass = () =>
    scheduler.runUntil(
      scheduler.now + 1,
      (action) => setImmediate(action),
      () => false,
    )
  return { armed, world, scheduler, life, struck, pass }
}

test('a strike waits for the n-th time that its process comes to its moment', () => {
  const { armed, world, struck } = setUp()
  armed.arm('controller-1', 'before-send', 2, (what) => struck.push(what))

  world.reached('controller-1', 'before-send', 'first')
  world.reached('controller-2', 'before-send', 'of another')
  world.reached('controller-1', 'after-send', 'first')
  expect(struck).toEqual([])
  world.reached('controller-1', 'before-send', 'second')
  world.reached('controller-1', 'before-send', 'third')

  expect(struck).toEqual(['second'])
})

test('who dies so many turns after an answer has taken the turns before, and no more', async () => {
  const { armed, world, scheduler, life, struck, pass } = setUp()
  armed.arm('controller-1', 'after-answer', 3, (what) => {
    struck.push(what)
    life.alive = false
  })
  let turns = 0
  const work = () => {
    turns += 1
    scheduler.soon(life, work)
  }
  scheduler.soon(life, () => {
    world.reached('controller-1', 'after-answer', 'patch ippools/status')
    scheduler.soon(life, work)
  })

  await pass()

  expect([turns, struck]).toEqual([2, ['patch ippools/status']])
})

test('what never came to its moment does not come when all is healed', () => {
  const { armed, world, struck } = setUp()
  armed.arm('controller-1', 'before-write', 1, (what) => struck.push(what))
  armed.disarm()
  world.reached('controller-1', 'before-write', 'patch')

  expect(struck).toEqual([])
})
