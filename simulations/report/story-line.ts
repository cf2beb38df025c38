import type { TraceEntry } from '../trace/trace.ts'

/** A line of a story. */
export type StoryLine =
  | { readonly type: 'entry'; readonly at: number; readonly entry: TraceEntry }
  /** Entries that are like those just before; `rounds` when each kind of them came equally often. */
  | {
      readonly type: 'repeated'
      readonly at: number
      readonly until: number
      readonly entries: number
      readonly rounds: number | undefined
    }
  /** Entries that belong to the story and are too many to be told. */
  | { readonly type: 'left-out'; readonly at: number; readonly until: number; readonly entries: number }

export function toLine(entry: TraceEntry): StoryLine {
  return { type: 'entry', at: entry.at, entry }
}

/** How many entries of the trace stand behind a line. */
export function entriesOf(line: StoryLine): number {
  return line.type === 'entry' ? 1 : line.entries
}

/** When the last of what a line tells began. */
export function lastOf(line: StoryLine): number {
  return line.type === 'entry' ? line.at : line.until
}

/** It was sent and never arrived. */
export function isLost(entry: TraceEntry): boolean {
  return entry.to !== undefined && entry.arrivesAt === undefined
}
