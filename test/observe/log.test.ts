import { expect, test } from 'vitest'
import { createLogger, InvalidLogLevelError, parseLogLevel } from '../../src/observe/log.ts'

function capture() {
  const lines: string[] = []
  return { lines, destination: { write: (line: string) => void lines.push(line) } }
}

test('a line is JSON with time, level, component, message and fields', () => {
  const { lines, destination } = capture()
  createLogger({ component: 'agent', destination }).info({ mac: 'ca:70:82:e6:84:6e' }, 'lease committed')
  expect(lines.length).toBe(1)
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 30,
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    component: 'agent',
    mac: 'ca:70:82:e6:84:6e',
    msg: 'lease committed',
  })
})

test('an error keeps its kind, its stack and its cause', () => {
  const { lines, destination } = capture()
  const err = new TypeError('outer', { cause: new Error('inner') })
  createLogger({ component: 'agent', destination }).error({ err }, 'failed')
  expect(JSON.parse(lines[0] ?? '').err).toMatchObject({
    type: 'TypeError',
    message: 'outer: inner',
    stack: expect.stringContaining('caused by: Error: inner'),
  })
})

test('for people a line is text, written at once', () => {
  const { lines, destination } = capture()
  createLogger({ component: 'agent', pretty: true, destination }).warn({ pool: 'net-48' }, 'pool is full')
  expect(lines.join('')).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: agent: pool is full\n {4}pool: "net-48"\n$/,
  )
})

test('lines below the level are left out', () => {
  const { lines, destination } = capture()
  const log = createLogger({ component: 'agent', level: 'warn', destination })
  log.info('left out')
  log.warn('kept')
  expect(lines.length).toBe(1)
})

test('a level that does not exist is refused with those that do', () => {
  expect(parseLogLevel('debug')).toBe('debug')
  expect(() => parseLogLevel('loud')).toThrow(InvalidLogLevelError)
  expect(() => parseLogLevel('loud')).toThrow(/choose one of trace, debug, info/)
})
