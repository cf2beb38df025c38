import { describe, expect, test } from 'vitest'
import { tellStory } from '../../../simulations/report/story.ts'
import { renderTimeline } from '../../../simulations/report/timeline.ts'
import type { TraceEntry } from '../../../simulations/trace/trace.ts'
import { ADDRESS, anEntry, aPlan, aSplitBrain, aViolation, FIRST_MAC } from './builders.ts'

const PLAIN = { width: 100, isColoured: false }
const about = [ADDRESS]

const short: TraceEntry[] = [
  anEntry(0, { kind: 'operation', who: 'operator', text: 'create VM vm-1', about }),
  anEntry(500.25, { kind: 'message', who: 'controller-1', to: 'api', text: 'patch IPPool', about }),
  anEntry(700, {
    kind: 'packet',
    who: 'client vm-1/nic-0',
    to: 'agent-lan-1',
    arrivesAt: 2700,
    text: 'REQUEST',
    about,
  }),
  anEntry(723_250, { kind: 'lease', text: `holds ${ADDRESS}`, about }),
]

function timelineOf(
  trace: readonly TraceEntry[],
  options = PLAIN,
  message = 'held by two:\n  a and b',
): string {
  const violation = aViolation({ at: 723_300, message })
  const plan = aPlan({
    operations: [{ type: 'vm-stop', at: 600_000, vm: 'vm-9' }],
    faults: [
      { type: 'cut', at: 0, lasts: 900_000, from: 'controller-1', to: 'api' },
      { type: 'api-down', at: 800_000, lasts: 1 },
    ],
  })
  return renderTimeline(tellStory(trace, violation, plan), plan, options)
}

test('first what was violated, then what the plan had in store, then what happened, then how to see it again', () => {
  expect(timelineOf(short)).toBe(`\
✗ one holder, violated at +0:12:03.300
  held by two:
    a and b

Plan: scenario split-brain, seed 42
  2 controllers, each believes that it is the only one; faults within 15 min
  network lan: 192.168.48.0/24, addresses 192.168.48.81 to 192.168.48.90, leases of 1 min, 1 agent
  +0:00:00.000  ! nothing from controller-1 reaches api, for 15 min
  +0:10:00.000  > stop VM vm-9
  1 fault not yet over by then

What happened  (> people  ! fault  * process  = client)
  +0:00:00.000  > operator                         create VM vm-1
  +0:00:00.500    controller-1 → api               patch IPPool  (lost)
  +0:00:00.700    client vm-1/nic-0 → agent-lan-1  REQUEST  (arrives 2 s later)
  +0:12:03.250  = client vm-1/nic-0                holds 192.168.48.81
  +0:12:03.300  ✗ one holder

Replay: managed-dhcp simulate --scenario split-brain --seed 42
`)
})

describe.each([60, 80, 120, 200])('in a terminal of %i columns', (width) => {
  test('no line is wider, but for the command, which can be copied whole', () => {
    const run = aSplitBrain({ bystanders: 3 })
    const [violation = aViolation()] = run.violations
    const text = renderTimeline(tellStory(run.trace, violation, run.plan), run.plan, {
      width,
      isColoured: false,
    })
    const wider = text.split('\n').filter((line) => [...line].length > width && !line.startsWith('Replay'))
    expect(wider).toEqual([])
    expect(text).toContain('controller-1 crashes')
  })
})

test('with colours it says the same', () => {
  const coloured = timelineOf(short, { ...PLAIN, isColoured: true })
  expect(coloured).toContain('\u001b[')
  expect(coloured.replaceAll(/\p{Cc}\[\d+m/gu, '')).toBe(timelineOf(short))
})

test('what clients and objects call themselves cannot steer the terminal', () => {
  const nasty = anEntry(1, {
    who: 'client \u001b[2J',
    text: 'host\rname\u202e\u0007',
    about: [ADDRESS, FIRST_MAC],
  })
  const text = timelineOf([nasty], PLAIN, 'two \u001b[31mholders')
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(text).toContain('host\\u{d}name\\u{202e}\\u{7}')
})
