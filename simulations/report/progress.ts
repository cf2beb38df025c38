import { amountOf, counted, cutTo, grouped, widthOf } from './text.ts'
import { formatClock } from './time-text.ts'

/** How far many runs are. */
export interface Progress {
  readonly done: number
  readonly total: number
  readonly failed: number
  readonly simulatedMs: number
  /** Milliseconds of the caller's own clock when the first run began. */
  readonly startedAt: number
}

/** Without a terminal a line comes at least this far apart. */
const PLAIN_INTERVAL = 30_000
const SHORTEST_BAR = 8
const LONGEST_BAR = 40
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/**
 * One line, without its end. In a terminal of `width` columns: a bar, and as much beside it as there is room for.
 * Without one (`width` undefined): words.
 */
export function renderProgress(progress: Progress, now: number, width: number | undefined): string {
  const facts = factsOf(progress, now)
  if (width === undefined) return `simulate: ${facts.join(', ')}`
  for (let shown = facts.length; shown > 0; shown--) {
    const text = facts.slice(0, shown).join('  ')
    const room = width - widthOf(text) - 3
    if (room >= SHORTEST_BAR) return ` ${bar(shareOf(progress), Math.min(room, LONGEST_BAR))}  ${text}`
  }
  return cutTo(facts[0] ?? '', width)
}

/** Whether a plain line is due: the first, the last, a first failure, and then now and again. */
export function isPlainLineDue(
  progress: Progress,
  now: number,
  shown: { readonly at: number; readonly progress: Progress } | undefined,
): boolean {
  if (shown === undefined) return true
  if (progress.done === progress.total) return shown.progress.done < progress.total
  if (shown.progress.failed === 0 && progress.failed > 0) return true
  return now - shown.at >= PLAIN_INTERVAL && progress.done > shown.progress.done
}

/** The most important first. */
function factsOf(progress: Progress, now: number): string[] {
  const { done, total, failed, simulatedMs } = progress
  const seconds = Math.max(0, now - progress.startedAt) / 1000
  const hours = simulatedMs / 3_600_000
  const facts = [
    `${grouped(done)}/${counted(total, 'run')}`,
    failed === 0 ? 'none failed' : `${grouped(failed)} failed`,
    done < total ? etaOf(progress, seconds) : `in ${formatClock(seconds * 1000)}`,
    `${amountOf(hours)} h simulated`,
  ]
  return seconds === 0 ? facts : [...facts, `${amountOf(hours / seconds)} h/s`]
}

function etaOf({ done, total }: Progress, seconds: number): string {
  return `ETA ${done === 0 ? '-:--:--' : formatClock(((total - done) * seconds * 1000) / done)}`
}

function shareOf({ done, total }: Progress): number {
  return total === 0 ? 1 : Math.min(1, done / total)
}

function bar(share: number, width: number): string {
  const eighths = Math.floor(share * width * 8)
  const full = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
  return full + '░'.repeat(width - widthOf(full))
}
