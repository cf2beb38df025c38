import { expect, test } from 'vitest'
import { faultSchema } from '../../../simulations/plan/faults.ts'
import { SCENARIOS } from '../../../simulations/scenarios/scenarios.ts'

/** How the pairs of the coverage begin that a type of fault makes. */
const PAIRS: Readonly<Record<string, readonly string[]>> = {
  messages: ['message lost', 'message doubled', 'message delayed', 'message corrupted'],
  forger: ['forgery'],
  cut: ['request cut off', 'answer cut off', 'message cut off'],
  'broker-down': ['broker lost'],
  'slow-consumer': ['slow consumer drops'],
  'api-down': ['API down'],
  'api-errors': valuesOf('api-errors', 'error').map((error) => `API ${error}`),
  'api-slow': ['API slow'],
  'stale-lists': ['stale list'],
  'watch-lag': ['watch lag'],
  watches: valuesOf('watches', 'how').map((how) => `watches ${how}`),
  crash: valuesOf('crash', 'moment').map((moment) => (moment === 'now' ? 'crash' : `crash ${moment}`)),
  pause: valuesOf('crash', 'moment').map((moment) => (moment === 'now' ? 'pause' : `pause ${moment}`)),
  'clock-jump': ['clock jump'],
  'clock-drift': ['clock drift'],
  'state-file': valuesOf('state-file', 'damage').map((damage) => `state file ${damage}`),
  packets: ['packet lost', 'packet doubled', 'packet delayed', 'packet corrupted'],
  liar: ['lie'],
}

/** The words that a field of a type of fault may have. */
function valuesOf(type: string, field: string): string[] {
  const option = faultSchema.options.find(({ shape }) => shape.type.value === type)
  const schema: unknown = Object.entries(option?.shape ?? {}).find(([name]) => name === field)?.[1]
  if (typeof schema !== 'object' || schema === null || !('options' in schema)) return []
  return Array.isArray(schema.options) ? schema.options.map(String) : []
}

const reached = SCENARIOS.flatMap(({ reaches }) => reaches)

test.each(faultSchema.options.map(({ shape }) => shape.type.value))(
  'some scenario is there for each thing that "%s" does',
  (type) => {
    const pairs = PAIRS[type] ?? []
    expect(pairs).not.toEqual([])
    expect(pairs.filter((pair) => !reached.some((declared) => declared.startsWith(`${pair} × `)))).toEqual([])
  },
)

test('what scenarios are there for is a fault and a state', () => {
  for (const pair of reached) expect(pair).toMatch(/^[\w -]+ × \S/)
})
