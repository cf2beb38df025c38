import { expect, test } from 'vitest'
import { isConditionTrue, setCondition } from '../../src/api/condition.ts'
import { parseInstant } from '../../src/api/values/time.ts'

const first = parseInstant('2026-01-01T00:00:00Z')
const second = parseInstant('2026-01-01T00:00:01Z')
const before = setCondition([], 'Registered', { status: true }, first)

test('a condition looks as the documentation shows it', () => {
  expect(before).toEqual([{ lastUpdateTime: '2026-01-01T00:00:00Z', status: 'True', type: 'Registered' }])
})

test('what says nothing new leaves the very same list, time and all', () => {
  expect(setCondition(before, 'Registered', { status: true }, second)).toBe(before)
  expect(setCondition(before, 'Registered', { status: true, reason: '' }, second)).toBe(before)
})

test.each([{ status: false }, { status: true, reason: 'Why' }, { status: true, message: 'what to do' }])(
  '%o moves the time',
  (value) => {
    const [condition] = setCondition(before, 'Registered', value, second)

    expect(condition?.lastUpdateTime).toBe('2026-01-01T00:00:01Z')
  },
)

test('the order of the list is kept, a new type goes last', () => {
  const two = setCondition(before, 'Stopped', { status: false }, first)

  const list = setCondition(two, 'Registered', { status: false, reason: 'Gone' }, second)

  expect(list.map(({ type, status }) => `${type} ${status}`)).toEqual(['Registered False', 'Stopped False'])
})

test('a reason that no longer holds goes', () => {
  const failed = setCondition([], 'Registered', { status: false, reason: 'Gone', message: 'look' }, first)

  expect(setCondition(failed, 'Registered', { status: true }, second)).toEqual([
    { lastUpdateTime: '2026-01-01T00:00:01Z', status: 'True', type: 'Registered' },
  ])
})

test('neither a missing nor an unknown condition is true', () => {
  expect(isConditionTrue(undefined, 'Registered')).toBe(false)
  expect(isConditionTrue([{ type: 'Registered', status: 'Unknown' }], 'Registered')).toBe(false)
  expect(isConditionTrue(before, 'Registered')).toBe(true)
})
