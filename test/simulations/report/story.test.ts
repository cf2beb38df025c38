import { describe, expect, test } from 'vitest'
import { describeRepeated } from '../../../simulations/report/repetition.ts'
import { type Story, tellStory } from '../../../simulations/report/story.ts'
import { entriesOf } from '../../../simulations/report/story-line.ts'
import type { TraceEntry } from '../../../simulations/trace/trace.ts'
import { ADDRESS, anEntry, aPlan, aSplitBrain, aViolation, FIRST_MAC, POOL, SECOND_MAC } from './builders.ts'

const plan = aPlan()
const STRANGER = '52:54:00:00:0f:0f'

function textsOf({ lines }: Story): string[] {
  return lines.map((line) => (line.type === 'entry' ? line.entry.text : line.type))
}

const lease = (at: number, text: string, ...about: string[]) => anEntry(at, { text, about })

/** Each tells something of its own: nothing repeats. */
const distinct = (count: number, parts: Partial<TraceEntry> = {}) =>
  Array.from({ length: count }, (_, i) =>
    anEntry(i, {
      text: `thing ${'abcdefghij'[i % 10]}${'klmnopqrst'[Math.floor(i / 10) % 10]}${'uvwxyz'[Math.floor(i / 100)]}`,
      ...parts,
    }),
  )

describe('to a story belongs', () => {
  test('what is about the same address, and what is about a MAC that had it', () => {
    const trace = [
      lease(1, 'binds', FIRST_MAC, ADDRESS),
      lease(2, 'is migrated', FIRST_MAC),
      lease(3, 'has nothing to do with it', STRANGER, '192.168.48.99'),
    ]
    expect(textsOf(tellStory(trace, aViolation({ about: [ADDRESS] }), plan))).toEqual([
      'binds',
      'is migrated',
    ])
  })

  test('what is about the VM that has the MAC in the plan', () => {
    const trace = [lease(1, 'is stopped', 'default/vm-1'), lease(2, 'is stopped too', 'default/vm-2')]
    const story = tellStory(trace, aViolation({ about: [FIRST_MAC] }), aSplitBrain().plan)
    expect(textsOf(story)).toEqual(['is stopped'])
  })

  test('what is about its pool as a whole, not what other leases of that pool do', () => {
    const trace = [
      lease(1, 'binds', FIRST_MAC, ADDRESS, POOL),
      lease(2, 'binds elsewhere', STRANGER, POOL),
      lease(3, 'the pool is edited', POOL),
    ]
    expect(textsOf(tellStory(trace, aViolation(), plan))).toEqual(['binds', 'the pool is edited'])
  })

  test('everything about a pool, when the violation is about the pool', () => {
    const trace = [lease(1, 'binds', STRANGER, POOL), lease(2, 'other pool', 'default/wan')]
    expect(textsOf(tellStory(trace, aViolation({ about: [POOL] }), plan))).toEqual(['binds'])
  })

  test('the faults that befall everybody and the steps of processes, and not the harm to packets of others', () => {
    const trace = [
      anEntry(1, { kind: 'step', who: 'agent-lan-1', text: 'crashes', about: [] }),
      anEntry(2, { kind: 'fault', who: 'fault', text: 'the broker is down', about: [] }),
      anEntry(3, { kind: 'fault', who: 'fault', text: 'a packet is lost', about: [STRANGER] }),
    ]
    expect(textsOf(tellStory(trace, aViolation(), plan))).toEqual(['crashes', 'the broker is down'])
  })

  test('the last of what people did elsewhere just before, but not what they did there long ago', () => {
    const elsewhere = { kind: 'operation', who: 'operator', about: [STRANGER] } as const
    const trace = [
      anEntry(0, { ...elsewhere, text: 'long ago' }),
      ...distinct(10, elsewhere).map((entry) => ({ ...entry, at: 100_000 + entry.at })),
    ]
    const story = tellStory(trace, aViolation({ at: 100_100 }), plan)
    expect(textsOf(story)).toEqual(trace.slice(3).map((entry) => entry.text))
  })

  test('nothing that happened after the violation, even in the same millisecond', () => {
    const violation = aViolation({ at: 5 })
    const trace = [
      lease(5, 'before', ADDRESS),
      anEntry(5, { kind: 'violation', who: 'fault', text: 'one holder: …', about: violation.about }),
      lease(5, 'after', ADDRESS),
      lease(6, 'later', ADDRESS),
    ]
    expect(textsOf(tellStory(trace, violation, plan))).toEqual(['before'])
  })
})

describe('a story is short', () => {
  test('renewals are told the first time, counted after that, and the last is told again', () => {
    const trace = Array.from({ length: 20 }, (_, n) => [
      anEntry(n * 1000, {
        kind: 'packet',
        who: 'client a',
        to: 'agent',
        arrivesAt: n * 1000,
        text: `REQUEST xid 0x${n}`,
      }),
      anEntry(n * 1000 + 1, { text: `holds it until ${n}` }),
    ]).flat()
    const { lines } = tellStory(trace, aViolation({ at: 100_000, about: [FIRST_MAC] }), plan)
    expect(lines.map((line) => (line.type === 'repeated' ? describeRepeated(line) : line.at))).toEqual([
      0,
      1,
      '… 18 rounds like this, until +0:00:18.001',
      19_000,
      19_001,
    ])
  })

  test('a lost renewal is no repetition of those that were answered', () => {
    const renewal = (at: number) =>
      anEntry(at, { kind: 'packet', who: 'a', to: 'b', text: 'REQUEST', arrivesAt: at })
    const { arrivesAt: _, ...lost } = renewal(9)
    const trace = [...Array.from({ length: 8 }, (_, n) => renewal(n)), lost]
    const { lines } = tellStory(trace, aViolation({ about: [FIRST_MAC] }), plan)
    expect(lines.at(-1)).toMatchObject({ type: 'entry', at: 9 })
    expect(lines).toHaveLength(4)
  })

  test('a renewal with another address is no repetition', () => {
    const holds = (at: number, address: string) => lease(at, `holds ${address}`, FIRST_MAC)
    const trace = [...Array.from({ length: 9 }, (_, n) => holds(n, ADDRESS)), holds(9, '192.168.48.82')]
    expect(textsOf(tellStory(trace, aViolation({ about: [FIRST_MAC] }), plan)).at(-1)).toBe(
      'holds 192.168.48.82',
    )
  })

  test('after a crash the same things are worth telling again', () => {
    const holds = (at: number) => lease(at, 'holds it', FIRST_MAC)
    const trace = [
      ...Array.from({ length: 9 }, (_, n) => holds(n)),
      anEntry(10, { kind: 'step', who: 'agent-lan-1', text: 'crashes', about: [] }),
      ...Array.from({ length: 9 }, (_, n) => holds(11 + n)),
    ]
    const story = tellStory(trace, aViolation({ about: [FIRST_MAC] }), plan)
    expect(textsOf(story)).toEqual([
      'holds it',
      'repeated',
      'holds it',
      'crashes',
      'holds it',
      'repeated',
      'holds it',
    ])
  })

  test('a broker that flaps a hundred times does not push out the rest', () => {
    const flaps = Array.from({ length: 200 }, (_, n) =>
      anEntry(10 + n, { kind: 'step', who: 'broker', text: n % 2 === 0 ? 'stops' : 'starts', about: [] }),
    )
    const story = tellStory([lease(1, 'binds', ADDRESS), ...flaps], aViolation(), plan, { lastLines: 10 })
    expect(textsOf(story)).toEqual(['binds', 'stops', 'starts', 'repeated', 'stops', 'starts'])
  })

  test('the last lines are kept, of the earlier ones leases before messages, and what is left out is counted', () => {
    const trace = [
      ...distinct(30, { kind: 'message', who: 'a', to: 'b', arrivesAt: 0 }),
      lease(40, 'binds', FIRST_MAC),
      ...distinct(30, { kind: 'packet', who: 'a', to: 'b', arrivesAt: 0 }).map((it) => ({
        ...it,
        at: it.at + 50,
      })),
    ]
    const story = tellStory(trace, aViolation({ about: [FIRST_MAC] }), plan, { lastLines: 5, keyMoments: 3 })
    expect(story.lines.map((line) => [line.type, entriesOf(line)])).toEqual([
      ['left-out', 30],
      ['entry', 1],
      ['left-out', 25],
      ...Array.from({ length: 5 }, () => ['entry', 1]),
    ])
    expect(textsOf(story)[1]).toBe('binds')
  })

  test('a single line is told rather than left out', () => {
    const trace = [
      lease(1, 'binds', FIRST_MAC),
      ...distinct(2, { kind: 'message' }),
      lease(9, 'is lost', FIRST_MAC),
    ]
    const apart = [...trace.slice(0, 2), ...trace.slice(3)]
    const told = (entries: readonly TraceEntry[]) =>
      tellStory(entries, aViolation({ about: [FIRST_MAC] }), plan, { lastLines: 1, keyMoments: 1 }).lines.map(
        (it) => it.type,
      )
    expect(told(trace)).toEqual(['entry', 'left-out', 'entry'])
    expect(told(apart)).toEqual(['entry', 'entry', 'entry'])
  })

  test('every entry of a real one is told, counted or has no part in it', () => {
    const run = aSplitBrain({ bystanders: 200 })
    const [violation = aViolation()] = run.violations
    const alone = tellStory(aSplitBrain().trace, violation, run.plan)
    const story = tellStory(run.trace, violation, run.plan)
    expect(run.trace.length).toBeGreaterThan(10_000)
    expect(story).toEqual(alone)
    expect(story.lines.reduce((sum, line) => sum + entriesOf(line), 0)).toBe(aSplitBrain().trace.length - 1)
  })
})

test('a trace without anything that belongs to it is a story without lines', () => {
  expect(tellStory([], aViolation(), plan).lines).toEqual([])
  expect(tellStory([lease(1, 'x', STRANGER)], aViolation({ about: [SECOND_MAC] }), plan).lines).toEqual([])
})
