import type { Plan } from '../plan/plan.ts'
import type { TraceEntry, TraceKind } from '../trace/trace.ts'
import { type Colour, type Paint, paintWhen } from './colours.ts'
import { endOfFault } from './fault-text.ts'
import { describeWorld, type PlanLine, planLines, replayCommand } from './plan-text.ts'
import { describeLeftOut, describeRepeated } from './repetition.ts'
import type { Story } from './story.ts'
import { isLost, type StoryLine } from './story-line.ts'
import { counted, cutTo, firstLine, linesOf, padTo, printable, widthOf, wrap } from './text.ts'
import { formatLength, formatMoment } from './time-text.ts'

export interface TimelineOptions {
  /** Columns of the terminal. */
  readonly width: number
  readonly isColoured: boolean
  /** How to see the run again; default: by its scenario and seed. */
  readonly replay?: string
}

const COLOURS: Readonly<Record<TraceKind, Colour>> = {
  message: 'reset',
  packet: 'cyan',
  lease: 'green',
  operation: 'blue',
  fault: 'yellow',
  step: 'magenta',
  violation: ['bold', 'red'],
}

const MARKS: Readonly<Record<TraceKind, string>> = {
  message: ' ',
  packet: ' ',
  lease: '=',
  operation: '>',
  fault: '!',
  step: '*',
  violation: '✗',
}

/** A message that takes no longer is not worth a word. */
const USUAL_DELAY = 1000
/** More lines of a plan are counted, not shown: the plan is in the report as well. */
const MOST_PLAN_LINES = 24

/** The story of a violation for a terminal: what was violated, what the plan had in store, what happened. */
export function renderTimeline(story: Story, plan: Plan, options: TimelineOptions): string {
  const { width, isColoured, replay = replayCommand(plan) } = options
  const paint = paintWhen(isColoured)
  const { violation } = story
  const title = paint(
    ['bold', 'red'],
    `✗ ${printable(violation.law)}, violated at ${formatMoment(violation.at)}`,
  )
  const message = linesOf(violation.message).flatMap((line) => indented(line, width))
  return [
    title,
    ...message,
    '',
    paint('bold', `Plan: scenario ${printable(plan.scenario)}, seed ${plan.seed}`),
    ...describeWorld(plan).flatMap((line) => indented(line, width)),
    ...renderPlan(plan, violation.at, width, paint),
    '',
    paint('bold', 'What happened  (> people  ! fault  * process  = client)'),
    ...renderLines(story, width, paint),
    '',
    `Replay: ${paint('cyan', replay)}`,
    '',
  ].join('\n')
}

const indented = (line: string, width: number) => wrap(line, width - 2).map((part) => `  ${part}`)

/** The latest operations and faults that began before the violation. */
function renderPlan(plan: Plan, before: number, width: number, paint: Paint): string[] {
  const lines = planLines(plan).filter((line) => line.at <= before)
  const shown = lines.slice(-MOST_PLAN_LINES)
  const over = plan.faults.filter(
    (fault) => fault.at <= before && endOfFault(fault, plan.durationMs) > before,
  ).length
  const hidden = lines.length - shown.length
  const rest = hidden === 0 ? [] : [paint('dim', `  … ${counted(hidden, 'earlier line')}`)]
  const standing = over === 0 ? [] : [paint('dim', `  ${counted(over, 'fault')} not yet over by then`)]
  return [...rest, ...shown.flatMap((line) => renderPlanLine(line, width, paint)), ...standing]
}

function renderPlanLine(line: PlanLine, width: number, paint: Paint): string[] {
  const start = `  ${formatMoment(line.at)}  ${MARKS[line.kind]} `
  return hanging(start, line.text, width).map((part) => paint(COLOURS[line.kind], part))
}

function renderLines(story: Story, width: number, paint: Paint): string[] {
  const entries = story.lines.flatMap((line) => (line.type === 'entry' ? [line.entry] : []))
  const widest = Math.max(0, ...entries.map((entry) => widthOf(parties(entry))))
  const column = Math.min(widest, Math.max(12, Math.floor(width * 0.36)))
  return [
    ...story.lines.flatMap((line) => renderLine(line, column, width, paint)),
    paint(
      COLOURS.violation,
      cutTo(`  ${formatMoment(story.violation.at)}  ✗ ${printable(story.violation.law)}`, width),
    ),
  ]
}

function renderLine(line: StoryLine, column: number, width: number, paint: Paint): string[] {
  if (line.type !== 'entry') {
    const text = line.type === 'repeated' ? describeRepeated(line) : describeLeftOut(line)
    return hanging(`  ${' '.repeat(formatMoment(line.at).length)}  `, text, width).map((it) =>
      paint('dim', it),
    )
  }
  const { entry } = line
  const start = `  ${formatMoment(entry.at)}  ${MARKS[entry.kind]} ${padTo(cutTo(parties(entry), column), column)}  `
  return hanging(start, firstLine(entry.text) + fateOf(entry), width).map((it) =>
    paint(isLost(entry) ? 'yellow' : COLOURS[entry.kind], it),
  )
}

function parties(entry: TraceEntry): string {
  return printable(entry.to === undefined ? entry.who : `${entry.who} → ${entry.to}`)
}

function fateOf(entry: TraceEntry): string {
  if (isLost(entry)) return '  (lost)'
  const delay = (entry.arrivesAt ?? entry.at) - entry.at
  return delay < USUAL_DELAY ? '' : `  (arrives ${formatLength(delay)} later)`
}

/** `start` and then the text, whose further lines begin below its first. */
function hanging(start: string, text: string, width: number): string[] {
  const margin = widthOf(start)
  return wrap(text, width - margin).map((part, i) =>
    `${i === 0 ? start : ' '.repeat(margin)}${part}`.trimEnd(),
  )
}
