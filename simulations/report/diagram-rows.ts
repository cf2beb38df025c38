import type { TraceEntry } from '../trace/trace.ts'
import { arrivalKey, type DiagramLayout, rowKey, VIOLATION_KEY } from './diagram-layout.ts'
import { cross, label, line, note, textAt, tip } from './diagram-parts.ts'
import { describeLeftOut, describeRepeated } from './repetition.ts'
import { stepMark } from './step-mark.ts'
import { isLost } from './story-line.ts'
import { element, type Markup } from './svg.ts'
import { firstLine } from './text.ts'
import { formatLength, formatMoment } from './time-text.ts'

/** A message that takes no longer is not worth a word. */
const USUAL_DELAY = 1000

/** One line of the story, with its time. */
export function drawRow(layout: DiagramLayout, row: number): Markup {
  const told = layout.lines[row]
  const y = layout.axis.yOf.get(rowKey(row)) ?? 0
  if (told === undefined) return element('g')
  if (told.type !== 'entry') {
    const text = told.type === 'repeated' ? describeRepeated(told) : describeLeftOut(told)
    const middle = (layout.left + layout.right) / 2
    return element(
      'g',
      {},
      textAt(layout.left - 14, y, '⋮', 'time', 'end'),
      textAt(middle, y, text, 'label quiet', 'middle'),
    )
  }
  const { entry } = told
  const time = textAt(8, y + 4, formatMoment(entry.at), 'time')
  return element('g', { class: classOf(entry, layout) }, time, ...drawEntry(layout, row, entry, y))
}

function classOf(entry: TraceEntry, { story }: DiagramLayout): string {
  if (isLost(entry)) return `${entry.kind} lost`
  return (entry.arrivesAt ?? 0) > story.violation.at ? `${entry.kind} flying` : entry.kind
}

function drawEntry(layout: DiagramLayout, row: number, entry: TraceEntry, y: number): Markup[] {
  const from = layout.lanes.indexOf(entry.who)
  const to = entry.to === undefined ? undefined : layout.lanes.indexOf(entry.to)
  if (from !== undefined && to !== undefined && from !== to) {
    const [x1, x2] = [layout.xOf(from), layout.xOf(to)]
    return [...drawArrow(layout, row, entry, { x1, y1: y, x2 }), drawLabel(layout, entry, x1, x2, y)]
  }
  const x = from === undefined ? layout.right : layout.xOf(from)
  const mark =
    stepMark(entry) === 'down' ? cross(x, y, 6) : element('circle', { class: 'dot', cx: x, cy: y, r: 4.5 })
  const told = firstLine(entry.text)
  const text = entry.to === undefined ? told : `${entry.who} → ${entry.to}: ${told}`
  return [mark, note(text, x, y + 4, layout)]
}

function drawLabel(layout: DiagramLayout, entry: TraceEntry, x1: number, x2: number, y: number): Markup {
  const delay = (entry.arrivesAt ?? entry.at) - entry.at
  const fate = isLost(entry)
    ? ' (lost)'
    : delay >= USUAL_DELAY
      ? ` (arrives ${formatLength(delay)} later)`
      : ''
  return label(firstLine(entry.text) + fate, (x1 + x2) / 2, y - 5, layout)
}

/** From when it was sent to when it arrives; what is lost ends in a cross, what is under way at the end has no head. */
function drawArrow(
  layout: DiagramLayout,
  row: number,
  entry: TraceEntry,
  { x1, y1, x2 }: { x1: number; y1: number; x2: number },
): Markup[] {
  if (isLost(entry)) {
    const x = x1 + (x2 - x1) * 0.7
    return [line('arrow', x1, y1, x, y1 + 4), cross(x, y1 + 4, 4.5)]
  }
  if ((entry.arrivesAt ?? 0) > layout.story.violation.at) {
    return [line('arrow', x1, y1, x2, layout.axis.yOf.get(VIOLATION_KEY) ?? y1)]
  }
  const y2 = layout.axis.yOf.get(arrivalKey(row)) ?? y1
  return [line('arrow', x1, y1, x2, y2), tip(x1, y1, x2, y2)]
}
