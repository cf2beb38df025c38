import type { Plan } from '../plan/plan.ts'
import { type FaultBar, faultBars } from './fault-bars.ts'
import { type Lanes, lanesOf } from './lanes.ts'
import type { Story } from './story.ts'
import type { StoryLine } from './story-line.ts'
import { layOutTime, type Mark, type TimeAxis } from './time-axis.ts'

/** Where everything is in the picture of a story. */
export interface DiagramLayout {
  readonly story: Story
  readonly lanes: Lanes
  readonly lines: readonly StoryLine[]
  readonly bars: readonly FaultBar[]
  readonly axis: TimeAxis<string>
  readonly width: number
  /** Text of rows stays between. */
  readonly left: number
  readonly right: number
  /** Where heads end, above the first row. */
  readonly headBottom: number
  readonly laneWidth: number
  xOf(lane: number): number
  xOfColumn(column: number): number
}

export const rowKey = (line: number) => `row ${line}`
export const arrivalKey = (line: number) => `arrival ${line}`
export const faultKey = (bar: number) => `fault ${bar}`
export const faultEndKey = (bar: number) => `fault end ${bar}`
export const VIOLATION_KEY = 'violation'

const GUTTER = 108
const COLUMN = 18
const NARROWEST = 640

/** `headBottom`: how much room there is for title and heads. */
export function layOutDiagram(story: Story, plan: Plan, headBottom: number): DiagramLayout {
  const { violation } = story
  const bars = faultBars(plan, story.lines[0]?.at ?? violation.at, violation.at)
  const lines = story.lines.filter((line) => !isShownAsBar(line, bars))
  const lanes = lanesOf(story)
  const laneWidth = Math.max(116, Math.min(190, NARROWEST / Math.max(1, lanes.names.length)))
  const right = GUTTER + Math.max(NARROWEST, lanes.names.length * laneWidth)
  const columns = Math.max(0, ...bars.map((bar) => bar.column + 1))
  return {
    story,
    lanes,
    lines,
    bars,
    axis: layOutTime(marksOf(lines, bars, violation.at), headBottom + 14),
    width: right + 16 + columns * COLUMN + 12,
    left: GUTTER,
    right,
    headBottom,
    laneWidth,
    xOf: (lane) => GUTTER + (lane + 0.5) * laneWidth,
    xOfColumn: (column) => right + 16 + column * COLUMN,
  }
}

/** The trace tells of a fault of the plan when it begins: the bar says it already. */
function isShownAsBar(line: StoryLine, bars: readonly FaultBar[]): boolean {
  return (
    line.type === 'entry' &&
    line.entry.kind === 'fault' &&
    line.entry.to === undefined &&
    bars.some((bar) => bar.fault.at === line.at)
  )
}

/** Arrivals come before what else happens in their moment, since they are its cause. */
function marksOf(
  lines: readonly StoryLine[],
  bars: readonly FaultBar[],
  end: number,
): (readonly [string, Mark])[] {
  const arrivals = lines.flatMap((line, i): (readonly [string, Mark])[] => {
    const at = line.type === 'entry' ? line.entry.arrivesAt : undefined
    return at === undefined || at <= line.at || at > end ? [] : [[arrivalKey(i), { at, type: 'edge' }]]
  })
  const faults = bars.flatMap((bar, i): (readonly [string, Mark])[] => [
    [faultKey(i), { at: bar.from, type: 'row' }],
    ...(bar.to === undefined ? [] : [[faultEndKey(i), { at: bar.to, type: 'edge' }] as const]),
  ])
  const rows = lines.map((line, i): readonly [string, Mark] => [
    rowKey(i),
    { at: line.at, type: 'row', lasts: line.type === 'entry' ? 0 : line.until - line.at },
  ])
  return [...arrivals, ...faults, ...rows, [VIOLATION_KEY, { at: end, type: 'row' }]]
}
