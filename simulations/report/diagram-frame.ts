import { type DiagramLayout, faultEndKey, faultKey, rowKey, VIOLATION_KEY } from './diagram-layout.ts'
import { CHARACTER, line, textAt } from './diagram-parts.ts'
import { stepMark } from './step-mark.ts'
import { element, escapeText, joinMarkup, type Markup } from './svg.ts'
import { cutMiddle, cutTo, linesOf, wrap } from './text.ts'
import { formatLength, formatMoment } from './time-text.ts'

export const HEAD_HEIGHT = 40

/** The names of the lanes, in boxes `top` from above. */
export function drawHeads(layout: DiagramLayout, top: number): Markup {
  const { laneWidth } = layout
  const heads = layout.lanes.names.map((name, i) => {
    const x = layout.xOf(i)
    const [role, who] = splitName(name)
    const most = Math.floor((laneWidth - 14) / (CHARACTER + 0.6))
    const texts =
      who === undefined
        ? [textAt(x, top + 24, cutMiddle(role, most), 'who')]
        : [textAt(x, top + 16, role, 'role'), textAt(x, top + 31, cutMiddle(who, most), 'who')]
    const box = { x: x - laneWidth / 2 + 4, y: top, width: laneWidth - 8, height: HEAD_HEIGHT, rx: 6 }
    return element(
      'g',
      { class: 'head' },
      element('title', {}, escapeText(name)),
      element('rect', box),
      ...texts,
    )
  })
  return joinMarkup(heads, '\n')
}

/** `client vm-1/nic-0` has its role above its name. */
function splitName(name: string): [string, string | undefined] {
  const space = name.indexOf(' ')
  return space === -1 ? [name, undefined] : [name.slice(0, space), name.slice(space + 1)]
}

/** Lines of life: broken while the process is down. */
export function drawLifelines(layout: DiagramLayout): Markup[] {
  const end = layout.axis.yOf.get(VIOLATION_KEY) ?? layout.axis.bottom
  return layout.lanes.names.flatMap((_, lane) => {
    const turns = layout.lines.flatMap((told, i) => {
      if (told.type !== 'entry' || layout.lanes.indexOf(told.entry.who) !== lane) return []
      const mark = stepMark(told.entry)
      return mark === 'other' ? [] : [{ mark, y: layout.axis.yOf.get(rowKey(i)) ?? 0 }]
    })
    const x = layout.xOf(lane)
    const starts = [{ mark: turns[0]?.mark === 'up' ? 'down' : 'up', y: layout.headBottom }, ...turns]
    return starts.map(({ mark, y }, i) =>
      line(mark === 'up' ? 'life' : 'down', x, y, x, starts[i + 1]?.y ?? end),
    )
  })
}

/** Where time was left out: every line of life is cut, and the gutter says how much. */
export function drawBreaks(layout: DiagramLayout): Markup[] {
  return layout.axis.breaks.map(({ y, length }) =>
    element(
      'g',
      {},
      line('gap', layout.left, y, layout.right, y),
      ...layout.lanes.names.flatMap((_, lane) => {
        const x = layout.xOf(lane)
        const wave = (top: number) => `M${x - 7} ${top + 3}q3.5 -6 7 -2t7 -2`
        return [
          element('rect', { class: 'erase', x: x - 8, y: y - 4, width: 16, height: 8 }),
          element('path', { class: 'skip', d: `${wave(y - 4)}${wave(y + 2)}` }),
        ]
      }),
      textAt(layout.left - 14, y + 4, `⋮ ${formatLength(length)}`, 'time', 'end'),
    ),
  )
}

/** Shades on the lanes that a fault befalls, and its bar beside them. */
export function drawFaults(layout: DiagramLayout): Markup[] {
  const end = layout.axis.yOf.get(VIOLATION_KEY) ?? layout.axis.bottom
  return layout.bars.map((bar, i) => {
    const y = layout.axis.yOf.get(faultKey(i)) ?? 0
    const height = Math.max(4, (layout.axis.yOf.get(faultEndKey(i)) ?? end) - y)
    const x = layout.xOfColumn(bar.column)
    const shades = bar.processes.flatMap((process) => {
      const lane = layout.lanes.indexOf(process)
      return lane === undefined
        ? []
        : [element('rect', { class: 'shade', x: layout.xOf(lane) - 11, y, width: 22, height, rx: 4 })]
    })
    const title = element('title', {}, escapeText(bar.text))
    return element(
      'g',
      { class: 'faults' },
      title,
      ...shades,
      element('rect', { class: 'bar', x, y: y - 5, width: 11, height: height + 5, rx: 3 }),
    )
  })
}

/** When a fault begins and what it is, drawn above all that crosses it. */
export function drawFaultTexts(layout: DiagramLayout): Markup[] {
  return layout.bars.map((bar, i) => {
    const y = layout.axis.yOf.get(faultKey(i)) ?? 0
    const x = layout.xOfColumn(bar.column)
    return element(
      'g',
      { class: 'faults' },
      line('leader', layout.right + 4, y, x, y),
      textAt(8, y + 4, formatMoment(bar.fault.at), 'time'),
      textAt(
        layout.right,
        y + 4,
        cutTo(bar.text, Math.floor((layout.right - layout.left) / CHARACTER)),
        'label',
        'end',
      ),
    )
  })
}

const MESSAGE_LINE = 17

/** How high the message of the violation is, below the end of the time axis. */
export function messageHeight(layout: DiagramLayout): number {
  return 44 + messageLines(layout).length * MESSAGE_LINE
}

function messageLines({ story, width }: DiagramLayout): string[] {
  const most = Math.floor((width - 48) / (CHARACTER + 0.3))
  return linesOf(story.violation.message).flatMap((text) => wrap(text, most))
}

/** A line across everything, and below it which law it was and who held what. */
export function drawViolation(layout: DiagramLayout): Markup {
  const y = layout.axis.yOf.get(VIOLATION_KEY) ?? layout.axis.bottom
  const { violation } = layout.story
  return element(
    'g',
    { class: 'violation' },
    line('', 8, y, layout.width - 8, y),
    element('rect', { x: 8, y: y + 8, width: layout.width - 16, height: messageHeight(layout) - 14, rx: 6 }),
    textAt(22, y + 28, `✗ ${violation.law}, violated at ${formatMoment(violation.at)}`, 'law'),
    ...messageLines(layout).map((text, i) => textAt(22, y + 48 + i * MESSAGE_LINE, text, 'told')),
  )
}
