import { expect, test } from 'vitest'
import { freshSeed, HIGHEST_SEED, plansOf, seedsFrom } from '../../../simulations/runner/seeds.ts'
import { mix } from '../../../simulations/scenarios/mix.ts'

test('a fresh seed is one that --seed takes', () => {
  const seedOf = (chance: number) => freshSeed({ next: () => chance, uuid: () => '' })
  expect(seedOf(0)).toBe(0)
  expect(seedOf(1 - Number.EPSILON / 2)).toBe(HIGHEST_SEED)
})

test('after the highest seed comes the lowest', () => {
  expect([...seedsFrom(HIGHEST_SEED - 1, 4)]).toEqual([HIGHEST_SEED - 1, HIGHEST_SEED, 0, 1])
})

test('every scenario gets every seed', () => {
  const other = { ...mix, name: 'other', plan: (seed: number) => ({ ...mix.plan(seed), scenario: 'other' }) }
  const plans = [...plansOf([mix, other], 5, 2)].map(({ scenario, seed }) => [scenario, seed])
  expect(plans).toEqual([
    ['mix', 5],
    ['mix', 6],
    ['other', 5],
    ['other', 6],
  ])
})
