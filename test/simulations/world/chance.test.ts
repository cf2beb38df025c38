import { expect, test } from 'vitest'
import { createChance } from '../../../simulations/world/chance.ts'

const draw = (seed: number, name: string) => {
  const chance = createChance(seed, name)
  return Array.from({ length: 5 }, () => chance.next())
}

test('the same seed and name give the same stream, another seed or name another one', () => {
  expect(draw(1, 'a')).toEqual(draw(1, 'a'))
  expect(draw(1, 'b')).not.toEqual(draw(1, 'a'))
  expect(draw(2, 'a')).not.toEqual(draw(1, 'a'))
})

test('a stream is the same on every machine', () => {
  expect(createChance(42, 'order').integer(0, 1_000_000)).toBe(912_289)
})

test('numbers are spread evenly over [0, 1)', () => {
  const chance = createChance(3, 'even')
  const counts = new Array<number>(10).fill(0)
  for (let draws = 0; draws < 10_000; draws++) {
    const index = Math.floor(chance.next() * 10)
    counts[index] = (counts[index] ?? 0) + 1
  }
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150)
})

test('identifiers have the form of a version 4 UUID', () => {
  const { uuid } = createChance(1, 'uuid')
  for (let draws = 0; draws < 50; draws++) {
    expect(uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
})

test('who has nothing to choose from is told so', () => {
  expect(() => createChance(1, 'empty').pick([])).toThrow('nothing to choose from')
})
