import type { Plan } from '../plan/plan.ts'
import {
  drawBreaks,
  drawFaults,
  drawFaultTexts,
  drawHeads,
  drawLifelines,
  drawViolation,
  HEAD_HEIGHT,
  messageHeight,
} from './diagram-frame.ts'
import { type DiagramLayout, layOutDiagram } from './diagram-layout.ts'
import { textAt } from './diagram-parts.ts'
import { drawRow } from './diagram-rows.ts'
import { DIAGRAM_STYLE } from './diagram-style.ts'
import type { Story } from './story.ts'
import { element, escapeText, joinMarkup, type Markup, styleSheet } from './svg.ts'

/** A taller picture has the names of its lanes at its foot, too. */
const TALL = 800
const HEAD_TOP = 56
const MARGIN = 4

export const DIAGRAM_LEGEND =
  'Time runs down and is compressed at ≈. Arrows end when the message arrives, with a cross when it is lost; shades are faults.'

/**
 * The story of a violation as one SVG that needs nothing else: a lane for each process and client, time running down,
 * an arrow for each message from when it was sent to when it arrived. Light or dark as the reader has it.
 */
export function renderSequenceDiagram(story: Story, plan: Plan): string {
  const layout = layOutDiagram(story, plan, HEAD_TOP + HEAD_HEIGHT)
  const foot = footOf(layout)
  const isTall = foot > TALL
  const title = `${story.violation.law}: scenario ${plan.scenario}, seed ${plan.seed}`
  const svg = frame(layout, foot + (isTall ? HEAD_HEIGHT + 2 * MARGIN : MARGIN), [
    element('title', {}, escapeText(title)),
    styleSheet(DIAGRAM_STYLE),
    element('rect', { class: 'back', width: '100%', height: '100%' }),
    textAt(8, 26, title, 'title'),
    textAt(8, 44, DIAGRAM_LEGEND, 'subtitle'),
    ...drawStory(layout),
    drawHeads(layout, HEAD_TOP),
    ...(isTall ? [drawHeads(layout, foot)] : []),
  ])
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg}\n`
}

/** The same for a page, in two pictures of one width: the heads of the lanes, which can stay in sight, and the story. */
export function drawForPage(story: Story, plan: Plan): { heads: Markup; story: Markup } {
  const layout = layOutDiagram(story, plan, 0)
  return {
    heads: frame(layout, HEAD_HEIGHT + 2 * MARGIN, [
      styleSheet(DIAGRAM_STYLE),
      element('rect', { class: 'back', width: '100%', height: '100%' }),
      drawHeads(layout, MARGIN),
    ]),
    story: frame(layout, footOf(layout), drawStory(layout)),
  }
}

function footOf(layout: DiagramLayout): number {
  return layout.axis.bottom + messageHeight(layout) + 8
}

function drawStory(layout: DiagramLayout): Markup[] {
  return [
    ...drawFaults(layout),
    ...drawLifelines(layout),
    ...drawBreaks(layout),
    ...layout.lines.map((_, row) => drawRow(layout, row)),
    ...drawFaultTexts(layout),
    drawViolation(layout),
  ]
}

function frame({ width }: DiagramLayout, height: number, children: readonly Markup[]): Markup {
  const viewBox = `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox,
      width: Math.ceil(width),
      height: Math.ceil(height),
      role: 'img',
    },
    joinMarkup(children, '\n'),
  )
}
