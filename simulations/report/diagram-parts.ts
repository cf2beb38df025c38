import { element, escapeText, type Markup } from './svg.ts'
import { cutTo, widthOf } from './text.ts'

/** How wide a character of a label is, on the safe side: the font is the reader's. */
export const CHARACTER = 6.5
/** Notes may be bold. */
const NOTE_CHARACTER = 7.3

export function textAt(
  x: number,
  y: number,
  text: string,
  className: string,
  anchor?: 'middle' | 'end',
): Markup {
  return element('text', { x, y, class: className, 'text-anchor': anchor }, escapeText(text))
}

/** Text around `x`, moved and cut so that it stays between `left` and `right`; the whole is in a tooltip. */
export function label(
  text: string,
  x: number,
  y: number,
  { left, right }: { left: number; right: number },
): Markup {
  const cut = cutTo(text, Math.floor((right - left) / CHARACTER))
  const width = widthOf(cut) * CHARACTER
  const start = Math.max(left, Math.min(right - width, x - width / 2))
  const shown = textAt(start + width / 2, y, cut, 'label', 'middle')
  return cut === text ? shown : element('g', {}, element('title', {}, escapeText(text)), shown)
}

/** Text right of `x`, or left of it where there is more room. */
export function note(
  text: string,
  x: number,
  y: number,
  { left, right }: { left: number; right: number },
): Markup {
  const needs = widthOf(text) * NOTE_CHARACTER
  const isRight = needs <= right - x || right - x >= x - left
  const cut = cutTo(text, Math.floor((isRight ? right - x : x - left) / NOTE_CHARACTER) - 2)
  const shown = textAt(isRight ? x + 11 : x - 11, y, cut, 'note', isRight ? undefined : 'end')
  return cut === text ? shown : element('g', {}, element('title', {}, escapeText(text)), shown)
}

export function line(className: string, x1: number, y1: number, x2: number, y2: number): Markup {
  return element('line', { class: className, x1, y1, x2, y2 })
}

export function cross(x: number, y: number, size: number): Markup {
  const d = `M${x - size} ${y - size}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}`
  return element('path', { class: 'cross', d })
}

/** The head of an arrow that comes from (x1, y1) and ends at (x2, y2). */
export function tip(x1: number, y1: number, x2: number, y2: number): Markup {
  const angle = Math.atan2(y2 - y1, x2 - x1)
  const corner = (turn: number) =>
    [x2 - 9 * Math.cos(angle + turn), y2 - 9 * Math.sin(angle + turn)].map((n) => n.toFixed(1)).join(',')
  return element('polygon', {
    class: 'tip',
    points: `${x2.toFixed(1)},${y2.toFixed(1)} ${corner(0.4)} ${corner(-0.4)}`,
  })
}
