import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mac, PoolWorld } from './model.ts'

const number = fc.nat(1000)
/** 0 is no fault; see the model for the others. */
const fault = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 6 }) },
)

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('comeBack' as const), a: number, b: fault }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), a: number, b: number }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('want' as const), a: number, b: number }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), a: number, b: number }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), a: number, b: number }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), a: number, b: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('edit' as const), a: number, b: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('arrive' as const), a: number, b: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), a: number, b: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('takeover' as const), a: number, b: number }) },
)

function play(world: PoolWorld, { do: action, a, b }: { do: string; a: number; b: number }): void {
  switch (action) {
    case 'comeBack':
      return world.comeBack(a, b)
    case 'ask':
      return world.ask(a)
    case 'want':
      world.want(a, b)
      return world.ask(a)
    case 'drop':
      world.drop(a, b % 2 === 0)
      return b % 3 === 0 ? undefined : world.ask(a)
    case 'repeat':
      return world.repeat(a)
    case 'pass':
      return world.pass(a % 90)
    case 'edit':
      return world.edit(a, b % 2 === 0)
    case 'arrive':
      return world.arrive(a)
    case 'restart':
      return world.restart()
    case 'takeover':
      return world.dropWhatOthersDoNotKnow()
  }
}

test('whatever is lost, doubled, late or refused: no law is broken, and after quiet what is held is what is asked for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(step, { maxLength: 150, size: 'max' }),
      (size, steps) => {
        const world = new PoolWorld(size)
        for (const each of steps) play(world, each)
        world.calmDown()

        const held = new Set(Object.values(world.leases()))
        const asked = world.wishes.flatMap(({ wanted, pinned }, index) =>
          wanted ? [{ mac: mac(index), pinned }] : [],
        )
        for (const each of held) expect(asked.map(({ mac }) => mac)).toContain(each)
        const { available } = world.object.status?.ipv4 ?? {}
        // Who asks for any address has one, unless the pool is exhausted.
        if ((available ?? 0) > 0) {
          for (const wish of asked) if (wish.pinned === undefined) expect([...held]).toContain(wish.mac)
        }
        const { state } = world
        expect([state.pending.length, state.checks.size, state.inFlight]).toEqual([0, 0, undefined])
        expect(state.claims.size).toBeLessThanOrEqual(size)
        // Nothing is written without a reason.
        const { resourceVersion } = world.object.metadata
        world.letPass(11)
        expect(world.object.metadata.resourceVersion).toBe(resourceVersion)
      },
    ),
    { numRuns: 400 },
  )
}, 120_000)
