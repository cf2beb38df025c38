import type { Fault, StrikeMoment } from '../plan/faults.ts'
import type { NetworkPlan } from '../plan/plan.ts'
import type { Chance } from '../world/chance.ts'
import { times } from './fleet.ts'

export type Crash = Extract<Fault, { type: 'crash' }>

export function controllers(count: number): string[] {
  return times(count, (index) => `controller-${index + 1}`)
}

/** The agent in a slot of a network; slots count from 1. */
export function agent({ name }: NetworkPlan, slot = 1): string {
  return `agent-${name}-${slot}`
}

export function agents(networks: readonly NetworkPlan[]): string[] {
  return networks.flatMap((network) => times(network.agents, (index) => agent(network, index + 1)))
}

export function killed(process: string, at: number, downMs: number): Crash {
  return { type: 'crash', at, process, moment: 'now', downMs }
}

/** What may become of a state file. */
export const DAMAGES = [
  'full-disk',
  'corrupt',
  'lost',
  'old',
  'flipped',
  'foreign',
  'version-1',
  'kept',
] as const

/** The moments within its work at which a process may be struck. */
export const MOMENTS = [
  'before-write',
  'after-write',
  'after-answer',
  'before-send',
  'after-send',
  'after-turns',
] as const

/** One of the first few times; turns are many. */
export function nthOf(chance: Chance, moment: StrikeMoment): { nth?: number } {
  if (moment === 'now' || chance.happens(0.4)) return {}
  const isOfTurns = moment === 'after-turns' || moment === 'after-answer'
  return { nth: isOfTurns ? chance.integer(1, 12) : chance.integer(2, 5) }
}

/** Dies at its next write to the API, or of its state file. */
export function diesWriting(chance: Chance, process: string, at: number, downMs: number): Crash {
  return { type: 'crash', at, process, moment: chance.pick(['before-write', 'after-write']), downMs }
}

export function stopped(process: string, at: number, lasts: number): Fault {
  return { type: 'pause', at, lasts, process }
}

/** Watches that break off, fall silent, end, or keep something back. */
export function watchTrouble(chance: Chance, process: string, at: number): Fault {
  const how = chance.pick(['closed', 'gone', 'silent', 'ended', 'missed'] as const)
  return {
    type: 'watches',
    at,
    process,
    how,
    ...(how === 'ended' ? { gapMs: chance.pick([0, 300, 5_000]) } : {}),
    ...(how === 'missed' ? { changes: chance.pick([1, 2, 6]) } : {}),
  }
}

/** Not to be reached, nor to reach anybody: both ways. */
export function cutOff(process: string, from: string, at: number, lasts: number): Fault[] {
  return [
    { type: 'cut', at, lasts, from: process, to: from },
    { type: 'cut', at, lasts, from, to: process },
  ]
}

/** Since every process is up, and until `until`: somebody who is to come later is not there yet. */
export function notYet(process: string, until: number): Crash {
  return killed(process, EVERYBODY_IS_UP, Math.max(until - EVERYBODY_IS_UP, 1))
}

/** Processes start within the first two seconds of a simulation. */
const EVERYBODY_IS_UP = 2_001
