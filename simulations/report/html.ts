import type { RunResult } from '../runner/result.ts'
import { PAGE_STYLE } from './page-style.ts'
import { describeWorld, type PlanLine, planLines, replayCommand } from './plan-text.ts'
import { DIAGRAM_LEGEND, drawForPage } from './sequence-diagram.ts'
import type { Story } from './story.ts'
import { element, escapeText, joinMarkup, type Markup, styleSheet } from './svg.ts'
import { counted, firstLine, grouped } from './text.ts'
import { formatLength, formatMoment } from './time-text.ts'

/** A longer plan is folded. */
const LONG_PLAN = 60

/**
 * All about one violation as a page that needs nothing else: what was violated, the picture, the plan, how to replay it.
 * @param replay how to see the run again
 */
export function renderHtml(
  story: Story,
  run: Omit<RunResult, 'trace' | 'coverage' | 'wallMs'>,
  replay = replayCommand(run.plan),
): string {
  const { violation } = story
  const { plan } = run
  const title = `${violation.law}: scenario ${plan.scenario}, seed ${plan.seed}`
  const picture = drawForPage(story, plan)
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('title', {}, escapeText(title)),
    styleSheet(PAGE_STYLE),
  )
  const body = element(
    'body',
    {},
    joinMarkup(
      [
        element('h1', {}, escapeText(`✗ ${violation.law}`)),
        paragraph(
          `Violated at ${formatMoment(violation.at)} of scenario ${plan.scenario}, seed ${plan.seed}.`,
        ),
        element('pre', { class: 'alarm' }, lines(violation.message)),
        paragraph('To see it again:'),
        element('pre', {}, element('code', {}, escapeText(replay))),
        heading('What happened'),
        paragraph(DIAGRAM_LEGEND),
        element('div', { class: 'lanes' }, picture.heads),
        picture.story,
        heading('The world'),
        list(describeWorld(plan).map((line) => escapeText(line))),
        heading('The plan'),
        ...planSection(planLines(plan), violation.at),
        ...otherViolations(story, run),
        heading('The run'),
        paragraph(
          `${formatLength(run.simulatedMs)} simulated, ${counted(run.events, 'event')}, digest ${run.digest}`,
        ),
      ],
      '\n',
    ),
  )
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, body)}\n`
}

const heading = (text: string) => element('h2', {}, escapeText(text))
const paragraph = (text: string) => element('p', {}, escapeText(text))
const list = (items: readonly Markup[]) =>
  element(
    'ul',
    {},
    joinMarkup(
      items.map((item) => element('li', {}, item)),
      '\n',
    ),
  )

function lines(text: string): Markup {
  return joinMarkup(
    text.split('\n').map((line) => escapeText(line)),
    '\n',
  )
}

/** What was in store before the violation, and folded what was to come. */
function planSection(plan: readonly PlanLine[], violatedAt: number): Markup[] {
  const before = plan.filter((line) => line.at <= violatedAt)
  const after = plan.slice(before.length)
  const hidden = Math.max(0, before.length - LONG_PLAN)
  return [
    ...folded(`${grouped(hidden)} earlier`, before.slice(0, hidden)),
    planList(before.slice(hidden)),
    ...folded(`${grouped(after.length)} after the violation`, after),
  ]
}

function folded(summary: string, plan: readonly PlanLine[]): Markup[] {
  return plan.length === 0
    ? []
    : [element('details', {}, element('summary', {}, escapeText(summary)), planList(plan))]
}

function planList(plan: readonly PlanLine[]): Markup {
  const items = plan.map((line) =>
    element(
      'li',
      { class: line.kind },
      element('code', {}, escapeText(formatMoment(line.at))),
      element('span', {}, escapeText(line.kind === 'fault' ? 'fault' : 'people')),
      element('span', {}, escapeText(line.text)),
    ),
  )
  return element('ol', { class: 'plan' }, joinMarkup(items, '\n'))
}

function otherViolations(story: Story, run: Pick<RunResult, 'violations'>): Markup[] {
  const others = run.violations.filter((it) => it !== story.violation)
  if (others.length === 0) return []
  return [
    heading('Also violated'),
    list(others.map((it) => escapeText(`${formatMoment(it.at)} ${it.law}: ${firstLine(it.message)}`))),
  ]
}
