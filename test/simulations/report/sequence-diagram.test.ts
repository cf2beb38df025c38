import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Plan } from '../../../simulations/plan/plan.ts'
import { renderHtml } from '../../../simulations/report/html.ts'
import { renderSequenceDiagram } from '../../../simulations/report/sequence-diagram.ts'
import { tellStory } from '../../../simulations/report/story.ts'
import type { TraceEntry } from '../../../simulations/trace/trace.ts'
import { anEntry, aPlan, aRun, aSplitBrain, aViolation, FIRST_MAC } from './builders.ts'
import { allOf, NotWellFormedError, parseXml, withClass, type XmlElement } from './xml.ts'

const violation = aViolation({ at: 1000, about: [FIRST_MAC] })

function draw(trace: readonly TraceEntry[], plan: Plan = aPlan(), told = violation): XmlElement {
  return parseXml(renderSequenceDiagram(tellStory(trace, told, plan), plan))
}

const lanesOf = (svg: XmlElement) => withClass(svg, 'who').map((it) => it.text)
const number = (element: XmlElement | undefined, name: string) => Number(element?.attributes[name])
const message = (at: number, parts: Partial<TraceEntry> = {}) =>
  anEntry(at, { kind: 'message', who: 'controller-1', to: 'api', text: 'patch', ...parts })

describe('the picture of a story', () => {
  test('has a lane for everybody in it, from people to their guests', () => {
    const run = aSplitBrain()
    const svg = draw(run.trace, run.plan, run.violations[0])
    const lanes = [
      'operator',
      'api',
      'controller-1',
      'controller-2',
      'broker',
      'agent-lan-1',
      'vm-1/nic-0',
      'vm-2/nic-0',
    ]
    expect(lanesOf(svg)).toEqual([...lanes, ...lanes])
  })

  test('lets clients share a lane when they are too many', () => {
    const trace = Array.from({ length: 20 }, (_, n) =>
      anEntry(n, { who: `client vm-${n}/nic-0`, text: `is ${n}` }),
    )
    expect(lanesOf(draw(trace)).slice(0, 7)).toEqual(
      [0, 1, 2, 3, 4, 5].map((n) => `vm-${n}/nic-0`).concat('clients'),
    )
  })

  test('cuts long names so that they can be told apart', () => {
    const names = ['a', 'b'].map((end) => `client virtual-machine-with-a-long-name-${end}/nic-0`)
    const svg = draw(names.map((who, at) => anEntry(at, { who })))
    expect(new Set(lanesOf(svg)).size).toBe(2)
    expect(withClass(svg, 'head').map((it) => it.children[0]?.text)).toEqual(names)
  })

  test('draws a message from when it was sent to when it arrived, past what happened meanwhile', () => {
    const svg = draw([message(0, { arrivesAt: 900 }), anEntry(500, { text: 'meanwhile' })])
    const [arrow] = withClass(svg, 'arrow')
    const meanwhile = allOf(svg).find((it) => it.name === 'circle')
    expect(number(arrow, 'y1')).toBeLessThan(number(meanwhile, 'cy'))
    expect(number(arrow, 'y2')).toBeGreaterThan(number(meanwhile, 'cy'))
    expect(withClass(svg, 'tip')).toHaveLength(1)
  })

  test('ends a lost message in a cross, and gives one that is still under way no head', () => {
    const [lost] = withClass(draw([message(0)]), 'lost')
    expect(lost?.text).toContain('patch (lost)')
    expect(withClass(lost ?? parseXml('<g/>'), 'cross')).toHaveLength(1)
    const svg = draw([message(0, { arrivesAt: 5000 })])
    expect(withClass(svg, 'flying')[0]?.text).toContain('patch (arrives 5 s later)')
    expect(withClass(svg, 'tip')).toHaveLength(0)
  })

  test('breaks the line of life of a process from its crash to its start', () => {
    const step = (at: number, text: string) =>
      anEntry(at, { kind: 'step', who: 'agent-lan-1', text, about: [] })
    const svg = draw([step(100, 'leads'), step(200, 'crashes'), step(700, 'restarts')])
    expect(withClass(svg, 'life')).toHaveLength(2)
    const [down] = withClass(svg, 'down')
    expect(withClass(svg, 'cross')).toHaveLength(1)
    expect(number(down, 'y2')).toBeGreaterThan(number(down, 'y1'))
  })

  test('shows a process that stands still as one that does nothing, and does not call it dead', () => {
    const step = (at: number, text: string) =>
      anEntry(at, { kind: 'step', who: 'agent-lan-1', text, about: [] })
    const svg = draw([step(100, 'leads'), step(200, 'is stopped (SIGSTOP)'), step(700, 'goes on (SIGCONT)')])
    expect([withClass(svg, 'life').length, withClass(svg, 'down').length]).toEqual([2, 1])
    expect(withClass(svg, 'cross')).toHaveLength(0)
  })

  test('shades a fault for as long as it lasts on the lanes that it befalls, and says it once', () => {
    const plan = aPlan({ faults: [{ type: 'cut', at: 100, lasts: 300, from: 'controller-1', to: 'api' }] })
    const began = anEntry(100, { kind: 'fault', who: 'fault', text: 'cut begins', about: [] })
    const svg = draw([message(0), began, message(200), message(800, { text: 'get' })], plan)
    expect(withClass(svg, 'shade')).toHaveLength(2)
    const [bar] = withClass(svg, 'bar')
    const [, second, third] = withClass(svg, 'arrow')
    const bottom = number(bar, 'y') + number(bar, 'height')
    expect(number(second, 'y1')).toBeLessThan(bottom)
    expect(number(third, 'y1')).toBeGreaterThan(bottom)
    expect(svg.text).toContain('nothing from controller-1 reaches api, for 300 ms')
    expect(svg.text).not.toContain('cut begins')
  })

  test('leaves out faults that were over before, or came after', () => {
    const plan = aPlan({
      faults: [
        { type: 'api-down', at: 0, lasts: 10 },
        { type: 'broker-down', at: 2000, lasts: 10 },
      ],
    })
    expect(withClass(draw([message(500)], plan), 'bar')).toHaveLength(0)
  })

  test('says how long nothing happened where time is compressed', () => {
    const told = aViolation({ at: 7_200_100, about: [FIRST_MAC] })
    const svg = draw([message(0), message(7_200_000)], aPlan(), told)
    expect(withClass(svg, 'time').map((it) => it.text)).toContain('⋮ 2 h')
  })

  test('ends in a red line with the law and its whole message', () => {
    const told = aViolation({ message: 'first line\nsecond line', about: [FIRST_MAC] })
    const [end] = withClass(draw([message(0)], aPlan(), told), 'violation')
    expect(end?.children.filter((it) => it.name === 'text').map((it) => it.text)).toEqual([
      '✗ one holder, violated at +0:00:01.000',
      'first line',
      'second line',
    ])
  })

  test('is there for a story without lines, too', () => {
    expect(draw([]).text).toContain('one holder')
  })

  test('keeps everything inside its edges', () => {
    const run = aSplitBrain()
    const svg = draw(run.trace, run.plan, run.violations[0])
    const [, , width = 0, height = 0] = (svg.attributes.viewBox ?? '').split(' ').map(Number)
    for (const element of allOf(svg)) {
      for (const name of ['x', 'x1', 'x2', 'cx']) {
        const value = Number(element.attributes[name] ?? 0)
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(width)
      }
      for (const name of ['y', 'y1', 'y2', 'cy']) {
        const value = Number(element.attributes[name] ?? 0)
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(height)
      }
    }
  })
})

describe('picture and page', () => {
  test('are the same for the same run', () => {
    const picture = () => {
      const run = aSplitBrain({ bystanders: 5 })
      const story = tellStory(run.trace, run.violations[0] ?? violation, run.plan)
      return renderSequenceDiagram(story, run.plan) + renderHtml(story, run)
    }
    expect(picture()).toBe(picture())
  })

  test('need nothing else: no script, no link, no font or picture from elsewhere', () => {
    const run = aSplitBrain()
    const story = tellStory(run.trace, run.violations[0] ?? violation, run.plan)
    const page = renderHtml(story, run) + renderSequenceDiagram(story, run.plan)
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|<script|<link|url\(|@import|href=|src=/,
    )
  })

  test('are well-formed whatever names and texts hold, and show it as it is', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 })
    fc.assert(
      fc.property(text, text, text, text, (who, said, law, told) => {
        const trace = [
          anEntry(1, { who, text: said }),
          message(2, { who, text: said }),
          anEntry(3, { kind: 'step', who, text: said, about: [] }),
        ]
        const plan = aPlan({ scenario: told, operations: [{ type: 'vm-stop', at: 1, vm: who }] })
        const violated = aViolation({ law, message: told, about: [FIRST_MAC] })
        const story = tellStory(trace, violated, plan)
        parseXml(renderSequenceDiagram(story, plan))
        parseXml(renderHtml(story, aRun({ plan, violations: [violated] })))
      }),
    )
  })

  test('show markup in a text as text', () => {
    const nasty = `<img src=x onerror="alert('1')">&amp;`
    const svg = draw(
      [anEntry(1, { text: nasty })],
      aPlan(),
      aViolation({ message: nasty, about: [FIRST_MAC] }),
    )
    expect(allOf(svg).filter((it) => it.name === 'img')).toEqual([])
    expect(withClass(svg, 'note')[0]?.text).toBe(nasty)
    expect(withClass(svg, 'told')[0]?.text).toBe(nasty)
  })
})

describe('the page', () => {
  const run = aSplitBrain()
  const other = aViolation({ law: 'no leaks', at: 9, message: 'an address is nobody’s\nmore' })
  const story = tellStory(run.trace, run.violations[0] ?? violation, run.plan)
  const page = parseXml(renderHtml(story, { ...run, violations: [...run.violations, other] }))

  test('has the message, the command that replays the run and what else was violated', () => {
    const codes = allOf(page).filter((it) => it.name === 'code')
    expect(withClass(page, 'alarm')[0]?.text).toBe(story.violation.message)
    expect(codes[0]?.text).toBe('managed-dhcp simulate --scenario split-brain --seed 42')
    expect(page.text).toContain('+0:00:00.009 no leaks: an address is nobody’s')
  })

  test('lists the plan, what came after the violation folded', () => {
    const [before, after] = withClass(page, 'plan')
    expect(before?.children).toHaveLength(7)
    expect(after?.children.map((it) => it.text)).toEqual([
      '+0:11:40.000peoplemigrate VM vm-2 to another node',
    ])
    expect(allOf(page).filter((it) => it.name === 'details')).toHaveLength(1)
  })

  test('keeps the names of the lanes in sight', () => {
    const [lanes] = withClass(page, 'lanes')
    expect(lanes === undefined ? [] : withClass(lanes, 'head')).toHaveLength(8)
  })
})

test.each([
  '<a><b></a></b>',
  '<a x="1" x="2"/>',
  '<a>&nbsp;</a>',
  '<a>a & b</a>',
  '<a/><b/>',
  '<a x=1/>',
  '<a>\u0001</a>',
  '<a',
])('the reader of these tests refuses %j', (document) => {
  expect(() => parseXml(document)).toThrow(NotWellFormedError)
})
