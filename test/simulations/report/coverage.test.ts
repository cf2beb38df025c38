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

test('more columns than the terminal has room for make further tables', () => {
  const states = ['first state', 'second state', 'third state']
  const coverage = Object.fromEntries(states.map((state) => [`crash × ${state}`, 1]))
  const rendered = renderCoverage(coverage, 36)
  expect(rendered.split('\n').every((line) => line.length <= 36)).toBe(true)
  for (const state of states) expect(rendered).toContain(state)
  expect(rendered.match(/^crash/gm)).toHaveLength(2)
})

test('nothing covered is said in words', () => {
  expect(renderCoverage({}, 80)).toBe('no fault met any state\n')
})
