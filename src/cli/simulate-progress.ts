import { isPlainLineDue, type Progress, renderProgress } from '../../simulations/report/progress.ts'
import type { Clock } from '../runtime/clock.ts'

/** How far things are, on stderr: one line that changes on a terminal, else a line now and then. */
export interface ProgressLine {
  runs(progress: Progress): void
  /** Something else that takes long begins; said where no line changes. */
  note(text: string): void
  /** How far that is; on a terminal only. */
  text(text: string): void
  /** Makes room for other output. */
  clear(): void
}

export function createProgressLine(stream: NodeJS.WriteStream, clock: Clock): ProgressLine {
  let shown: { at: number; progress: Progress } | undefined
  const clear = () => {
    if (stream.isTTY) stream.write('\r\u001b[2K')
  }
  const over = (text: string) => stream.write(`\r\u001b[2K${text}`)
  return {
    clear,
    note(text) {
      if (!stream.isTTY) stream.write(`simulate: ${text}\n`)
    },
    text(text) {
      if (stream.isTTY) over(text.slice(0, stream.columns - 1))
    },
    runs(progress) {
      const now = clock.now()
      if (stream.isTTY) {
        over(renderProgress(progress, now, stream.columns - 1))
      } else if (isPlainLineDue(progress, now, shown)) {
        shown = { at: now, progress }
        stream.write(`${renderProgress(progress, now, undefined)}\n`)
      }
    },
  }
}
