/** Something that has a place on the time axis. */
export interface Mark {
  readonly at: number
  /** A row needs room for a line of text; an edge is only a point. */
  readonly type: 'row' | 'edge'
  /** How long what it stands for goes on, for a row that stands for many things. */
  readonly lasts?: number
}

/** A place where time was left out. */
export interface Break {
  readonly y: number
  readonly length: number
}

export interface TimeAxis<Key> {
  readonly yOf: ReadonlyMap<Key, number>
  readonly breaks: readonly Break[]
  readonly bottom: number
}

const ROW = 30
const EDGE = 7
/** How much farther apart marks are at most, because time passes between them. */
const STRETCH = 16
/** From what is above a break to the break, and from there to the row below. */
const ABOVE_BREAK = 19
const BELOW_BREAK = 27
/** Time is left out where it is so much longer than usual between two marks, and this part of the whole; within bounds. */
const UNUSUAL = 20
const NOTABLE = 1 / 50
const SHORTEST_BREAK = 1000
const LONGEST_WITHOUT_BREAK = 600_000

/**
 * Gives each mark its height, in order of time: later is lower, and marks of one moment follow as they were given. Where
 * nothing happens for long, time is compressed and a break says so.
 */
export function layOutTime<Key>(marks: readonly (readonly [Key, Mark])[], top: number): TimeAxis<Key> {
  const ordered = marks.toSorted(([, a], [, b]) => a.at - b.at)
  const usual = median(gapsOf(ordered.map(([, mark]) => mark)))
  const whole = (ordered.at(-1)?.[1].at ?? 0) - (ordered[0]?.[1].at ?? 0)
  const longest = Math.min(LONGEST_WITHOUT_BREAK, Math.max(SHORTEST_BREAK, usual * UNUSUAL, whole * NOTABLE))
  const yOf = new Map<Key, number>()
  const breaks: Break[] = []
  let y = top
  let lastRow = top - ROW / 2
  let now = ordered[0]?.[1].at ?? 0
  for (const [key, mark] of ordered) {
    const gap = Math.max(0, mark.at - now)
    if (gap > longest) {
      y = Math.max(y, lastRow) + ABOVE_BREAK
      lastRow = y + BELOW_BREAK - ROW
      breaks.push({ y, length: gap })
    } else y += STRETCH * Math.min(1, gap / longest)
    y = mark.type === 'row' ? Math.max(y + EDGE, lastRow + ROW) : y + EDGE
    if (mark.type === 'row') lastRow = y
    yOf.set(key, y)
    now = Math.max(now, mark.at + (mark.lasts ?? 0))
  }
  return { yOf, breaks, bottom: Math.max(y, lastRow) }
}

function gapsOf(marks: readonly Mark[]): number[] {
  return marks.flatMap((mark, i) => {
    const before = marks[i - 1]
    const gap = before === undefined ? 0 : mark.at - before.at - (before.lasts ?? 0)
    return gap > 0 ? [gap] : []
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0
}
