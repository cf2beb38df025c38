import { setTimeout as wait } from 'node:timers/promises'
import type { Part } from './part.ts'

export type FaultKind = 'kill' | 'stop' | 'cut'

/** What is done to which processes. */
export interface Fault {
  readonly kind: FaultKind
  readonly parts: readonly string[]
}

/** How long a part is away: killed (and then it has to start), stopped, or cut off. */
const AWAY_MS: Record<FaultKind, number> = { kill: 500, stop: 2_500, cut: 2_500 }

export function describeFault({ kind, parts }: Fault): string {
  const verb = { kill: 'kill -9', stop: 'SIGSTOP 2.5 s', cut: 'cut off 2.5 s' }[kind]
  return `${verb} ${parts.join(' + ')}`
}

/** Does it to all of them at once, and puts it right again. */
export async function inject(fault: Fault, all: ReadonlyMap<string, Part>): Promise<void> {
  const parts = fault.parts.map((name) => partNamed(all, name))
  await Promise.all(parts.map((part) => strike(part, fault.kind)))
  await wait(AWAY_MS[fault.kind])
  await Promise.all(parts.map((part) => mend(part, fault.kind)))
}

export function partNamed(all: ReadonlyMap<string, Part>, name: string): Part {
  const part = all.get(name)
  if (part === undefined) throw new Error(`there is no ${name}; there are ${[...all.keys()].join(', ')}`)
  return part
}

async function strike(part: Part, kind: FaultKind): Promise<void> {
  if (kind === 'kill') await part.kill()
  else if (kind === 'stop') part.pause()
  else await cableOf(part).cut()
}

async function mend(part: Part, kind: FaultKind): Promise<void> {
  if (kind === 'kill') await part.start()
  else if (kind === 'stop') part.resume()
  else await cableOf(part).mend()
}

function cableOf({ name, cable }: Part) {
  if (cable === undefined) throw new Error(`${name} has no cable to cut`)
  return cable
}
