import { setTimeout as wait } from 'node:timers/promises'
import type { Part } from './part.ts'

/** `mute`: what it says to DHCP clients is lost, though it hears them; an ACK is given, and nobody has heard it. */
export type FaultKind = 'kill' | 'stop' | 'cut' | 'mute'

/** What is done to one process. */
export type Blow = readonly [FaultKind, string]

/** What is done at once, for how long. */
export interface Fault {
  readonly blows: readonly Blow[]
  /** How long a process is away: killed (and then it has to start), stopped, or cut off. */
  readonly awayMs: number
}

const VERBS: Record<FaultKind, string> = { kill: 'kill -9', stop: 'SIGSTOP', cut: 'cut off', mute: 'mute' }

export function fault(awayMs: number, ...blows: readonly Blow[]): Fault {
  return { blows, awayMs }
}

export function describeFault({ blows, awayMs }: Fault): string {
  const all = blows.map(([kind, part]) => `${VERBS[kind]} ${part}`).join(' + ')
  return `${all}, ${awayMs / 1000} s`
}

/**
 * Does it to all of them at once, and puts it right again.
 * @param struck called when all are away
 */
export async function inject(
  { blows, awayMs }: Fault,
  all: ReadonlyMap<string, Part>,
  struck: () => void = () => {},
): Promise<void> {
  const blowsOn = blows.map(([kind, name]) => ({ kind, part: partNamed(all, name) }))
  await Promise.all(blowsOn.map(({ kind, part }) => strike(part, kind)))
  struck()
  await wait(awayMs)
  await Promise.all(blowsOn.map(({ kind, part }) => mend(part, kind)))
}

export function partNamed(all: ReadonlyMap<string, Part>, name: string): Part {
  const part = all.get(name)
  if (part === undefined) throw new Error(`there is no ${name}; there are ${[...all.keys()].join(', ')}`)
  return part
}

async function strike(part: Part, kind: FaultKind): Promise<void> {
  if (kind === 'kill') await part.kill()
  else if (kind === 'stop') part.pause()
  else await cableOf(part, kind).cut()
}

async function mend(part: Part, kind: FaultKind): Promise<void> {
  if (kind === 'kill') await part.start()
  else if (kind === 'stop') part.resume()
  else await cableOf(part, kind).mend()
}

function cableOf({ name, cable, answers }: Part, kind: 'cut' | 'mute') {
  const found = kind === 'cut' ? cable : answers
  if (found === undefined) throw new Error(`${name} has nothing that could be cut off (${kind})`)
  return found
}
