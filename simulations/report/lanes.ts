import type { TraceEntry } from '../trace/trace.ts'
import type { Story } from './story.ts'

/** Who has a line of life in the picture, from left to right. */
export interface Lanes {
  readonly names: readonly string[]
  /** The lane of a name; `undefined` for those that have none, such as `fault`. */
  indexOf(name: string): number | undefined
}

/** More clients than there is room for share a lane. */
const MOST_CLIENTS = 6
export const OTHER_CLIENTS = 'other clients'

/** What goes wrong is told beside the lanes. */
const FAULT = 'fault'

/** From people to their guests, as a request travels. */
const ORDER = [/^operator$/, /^api$/, /^controller/, /^broker$/, /^agent/, /^(?!client)/, /^client/]

/** The lanes of all who do something in a story or are told something, and of `others`. */
export function lanesOf(story: Story, others: readonly string[] = []): Lanes {
  const counts = new Map<string, number>(others.map((name) => [name, 0]))
  for (const line of story.lines) {
    if (line.type !== 'entry') continue
    for (const name of partiesOf(line.entry)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const clients = [...counts].filter(([name]) => isClient(name)).sort(([, a], [, b]) => b - a)
  const crowd = new Set(clients.slice(MOST_CLIENTS).map(([name]) => name))
  const names = [...counts.keys()].filter((name) => !crowd.has(name)).sort(inOrder)
  if (crowd.size > 0) names.push(OTHER_CLIENTS)
  const indexes = new Map(names.map((name, i) => [name, i]))
  return {
    names,
    indexOf: (name) => indexes.get(crowd.has(name) ? OTHER_CLIENTS : name),
  }
}

function partiesOf(entry: TraceEntry): string[] {
  const parties = entry.to === undefined ? [entry.who] : [entry.who, entry.to]
  return parties.filter((name) => name !== FAULT)
}

const isClient = (name: string) => name.startsWith('client ')

function inOrder(a: string, b: string): number {
  const rank = (name: string) => ORDER.findIndex((pattern) => pattern.test(name))
  return rank(a) - rank(b) || a.localeCompare(b, 'en', { numeric: true })
}
