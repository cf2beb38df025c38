import fc from 'fast-check'
import { expect, test } from 'vitest'
import { layOutTime, type Mark } from '../../../simulations/report/time-axis.ts'

const row = (at: number): Mark => ({ at, type: 'row' })

test('later is lower, and rows have room for a line of text', () => {
  const mark = fc.record({ at: fc.nat(1_000_000), type: fc.constantFrom('row' as const, 'edge' as const) })
  fc.assert(
    fc.property(fc.array(mark, { minLength: 2, maxLength: 60 }), (marks) => {
      const axis = layOutTime(
        marks.map((it, i) => [i, it]),
        100,
      )
      const ordered = marks
        .map((it, i) => ({ ...it, i, y: axis.yOf.get(i) ?? Number.NaN }))
        .toSorted((a, b) => a.at - b.at)
      ordered.slice(1).forEach((later, i) => {
        expect(later.y).toBeGreaterThan(ordered[i]?.y ?? Number.NaN)
      })
      const rows = ordered.filter((it) => it.type === 'row')
      rows.slice(1).forEach((later, i) => {
        expect(later.y - (rows[i]?.y ?? Number.NaN)).toBeGreaterThanOrEqual(29.9)
      })
      expect(Math.min(...ordered.map((it) => it.y))).toBeGreaterThan(100)
      expect(axis.bottom).toBeGreaterThanOrEqual(ordered.at(-1)?.y ?? Number.NaN)
    }),
  )
})

test('an hour in which nothing happens takes no more room than a line, and is said to be left out', () => {
  const axis = layOutTime(
    [0, 100, 200, 300, 3_600_300, 3_600_400].map((at) => [at, row(at)]),
    0,
  )
  expect(axis.breaks.map((it) => it.length)).toEqual([3_600_000])
  const y = (at: number) => axis.yOf.get(at) ?? Number.NaN
  expect(y(3_600_300) - y(300)).toBeLessThan(60)
  expect(axis.breaks[0]?.y).toBeGreaterThan(y(300))
  expect(axis.breaks[0]?.y).toBeLessThan(y(3_600_300))
})

test('what goes on for long is no time in which nothing happens', () => {
  const axis = layOutTime(
    [
      ['renewals', { at: 0, type: 'row', lasts: 3_600_000 }],
      ['crash', row(3_600_100)],
    ],
    0,
  )
  expect(axis.breaks).toEqual([])
})

test('marks of one moment follow as they were given', () => {
  const axis = layOutTime(
    ['b', 'a', 'c'].map((name) => [name, row(5)]),
    0,
  )
  expect([...axis.yOf.keys()]).toEqual(['b', 'a', 'c'])
})
