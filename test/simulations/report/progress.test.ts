import { describe, expect, test } from 'vitest'
import { isPlainLineDue, type Progress, renderProgress } from '../../../simulations/report/progress.ts'

const progress = (parts: Partial<Progress> = {}): Progress => ({
  done: 250,
  total: 1000,
  failed: 2,
  simulatedMs: 500 * 3_600_000,
  startedAt: 1000,
  ...parts,
})
const NOW = 11_000

test('in a terminal: a bar, runs, failures, time left, simulated time and rate', () => {
  expect(renderProgress(progress(), NOW, 90)).toBe(
    ' █████▊░░░░░░░░░░░░░░░░░  250/1,000 runs  2 failed  ETA 0:00:30  500 h simulated  50.0 h/s',
  )
})

test('no line is wider than the terminal, and runs are told to the last', () => {
  for (let width = 1; width <= 200; width++) {
    const line = renderProgress(progress(), NOW, width)
    expect([...line].length).toBeLessThanOrEqual(width)
    if (width >= 14) expect(line).toContain('250/1,000 runs')
  }
})

test('without a terminal: words', () => {
  expect(renderProgress(progress({ failed: 0 }), NOW, undefined)).toBe(
    'simulate: 250/1,000 runs, none failed, ETA 0:00:30, 500 h simulated, 50.0 h/s',
  )
})

test('before the first run is done nobody knows how long it takes', () => {
  expect(renderProgress(progress({ done: 0, simulatedMs: 0 }), 1000, undefined)).toContain('ETA -:--:--')
})

test('at the end the bar is full and says how long it took', () => {
  const line = renderProgress(progress({ done: 1000 }), NOW, 100)
  expect(line).toContain('█ ')
  expect(line).not.toContain('░')
  expect(line).toContain('in 0:00:10')
})

describe('a plain line is due', () => {
  const shown = { at: 10_000, progress: progress({ done: 10, failed: 0 }) }

  test('at once', () => expect(isPlainLineDue(progress(), 0, undefined)).toBe(true))

  test('with the first failure', () => {
    expect(isPlainLineDue(progress({ done: 11, failed: 1 }), 10_001, shown)).toBe(true)
  })

  test('after a while in which something was done, not before', () => {
    const later = progress({ done: 11, failed: 0 })
    expect(isPlainLineDue(later, 20_000, shown)).toBe(false)
    expect(isPlainLineDue(later, 40_000, shown)).toBe(true)
    expect(isPlainLineDue(shown.progress, 40_000, shown)).toBe(false)
  })

  test('at the end, once', () => {
    const end = progress({ done: 1000, failed: 0 })
    expect(isPlainLineDue(end, 10_001, shown)).toBe(true)
    expect(isPlainLineDue(end, 99_000, { at: 10_001, progress: end })).toBe(false)
  })
})
