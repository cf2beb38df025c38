import { expect, test } from 'vitest'
import { mergeCoverage, neverReached, renderCoverage } from '../../../simulations/report/coverage.ts'

test('faults are rows, states are columns, and what never met is a dot', () => {
  const coverage = mergeCoverage([
    { 'crash × pool writing': 2, 'API down × pool idle': 1 },
    { 'crash × pool writing': 40, 'crash × client renewing': 1 },
  ])
  expect(renderCoverage(coverage, 80)).toBe(`\
           client renewing   pool idle   pool writing
API down                 ·           1              ·
crash                    1           ·             42
`)
})

test('a pair that was to be reached and never was has its cell, and is named', () => {
  const coverage = { 'crash × idle': 3, 'pause × idle': 0 }
  const declared = ['crash × idle', 'pause × idle', 'crash × writing']
  expect(neverReached(declared, coverage)).toEqual(['pause × idle', 'crash × writing'])
  expect(renderCoverage(coverage, 80, declared)).toBe(`\
        idle   writing
crash      3         ·
pause      ·         ·

2 pairs to be reached and never reached:
  pause × idle
  crash × writing
`)
})

test('states whose names have no room are numbered, and the numbers explained', () => {
  const coverage = { 'crash × first state': 1, 'crash × second state': 2, 'pause × third state': 3 }
  expect(renderCoverage(coverage, 36)).toBe(`\
        1   2   3
crash   1   2   ·
pause   ·   ·   3

  1   first state
  2   second state
  3   third state
`)
})

test('what is declared without the last words of a state is reached by any state that begins so', () => {
  const coverage = { 'crash × controller leading, get ippools': 1 }
  expect(neverReached(['crash × controller leading', 'crash × controller standing by'], coverage)).toEqual([
    'crash × controller standing by',
  ])
  expect(renderCoverage(coverage, 80, ['crash × controller leading'])).not.toContain('·')
})

test('nothing covered is said in words', () => {
  expect(renderCoverage({}, 80)).toBe('no fault met any state\n')
})
