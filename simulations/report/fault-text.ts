import type { Fault, StrikeMoment } from '../plan/faults.ts'
import { counted, printable } from './text.ts'
import { formatLength } from './time-text.ts'

type Of<Type extends Fault['type']> = Extract<Fault, { type: Type }>

/** One fault as a short line, with how long it lasts and without when it begins. */
export function describeFault(fault: Fault): string {
  const lasting = 'lasts' in fault ? `, for ${formatLength(fault.lasts)}` : ''
  return printable(`${sentence(fault)}${lasting}`)
}

/** When it is over: a fault of one moment at once, and every one when all is healed. */
export function endOfFault(fault: Fault, healedAt: number): number {
  const lasts = fault.type === 'crash' ? fault.downMs : 'lasts' in fault ? fault.lasts : 0
  return Math.max(fault.at, Math.min(fault.at + lasts, healedAt))
}

/** The processes that it befalls, by name; none when it befalls the network or every process. */
export function processesOfFault(fault: Fault): string[] {
  switch (fault.type) {
    case 'messages':
    case 'cut':
      return [fault.from, fault.to].filter((end) => end !== '*')
    case 'broker-down':
      return ['broker']
    case 'api-down':
      return ['api']
    case 'packets':
    case 'liar':
    case 'forger':
      return []
    default:
      return fault.process === '*' ? [] : [fault.process]
  }
}

function sentence(fault: Fault): string {
  switch (fault.type) {
    case 'messages':
      return `messages from ${end(fault.from)} to ${end(fault.to)}: ${harm(fault)}`
    case 'cut':
      return `nothing from ${end(fault.from)} reaches ${end(fault.to)}`
    case 'forger':
      return `somebody forges messages about ${fault.network}, every ${formatLength(fault.everyMs)}`
    case 'broker-down':
      return 'the broker is down'
    case 'slow-consumer':
      return `${fault.process} is a slow consumer that keeps ${fault.keeps} messages`
    case 'api-down':
      return 'the API is down'
    case 'api-errors':
      return `${percent(fault.share)} of the requests of ${end(fault.process)} to the API ${API_ERRORS[fault.error]}`
    case 'api-slow':
      return `the API answers ${end(fault.process)}${fault.request === undefined ? '' : ` (${fault.request})`} up to ${formatLength(fault.upToMs)} later`
    case 'stale-lists':
      return `lists of the API show ${end(fault.process)} the state of ${formatLength(fault.behindMs)} ago`
    case 'watch-lag':
      return `watches tell ${end(fault.process)} up to ${formatLength(fault.upToMs)} late what changed`
    case 'watches':
      return `the watches of ${end(fault.process)} ${WATCHES[fault.how]}${extentOf(fault)}`
    case 'crash':
      return `${fault.process} crashes${momentOf(fault)}, down for ${formatLength(fault.downMs)}`
    case 'pause':
      return `${fault.process} is stopped (SIGSTOP)${momentOf(fault)}`
    case 'clock-jump':
      return `the clock of ${fault.process} jumps ${formatLength(Math.abs(fault.byMs))} ${fault.byMs < 0 ? 'back' : 'forward'}`
    case 'clock-drift':
      return `the clock of ${fault.process} runs ${Math.abs(fault.perMille)} ‰ too ${fault.perMille < 0 ? 'slow' : 'fast'}`
    case 'state-file':
      return `the state file of ${fault.process} ${DAMAGES[fault.damage]}`
    case 'packets':
      return `packets on ${fault.network}: ${harm(fault)}`
    case 'liar':
      return `a client that lies is on ${fault.network}, every ${formatLength(fault.everyMs)}`
  }
}

const API_ERRORS: Readonly<Record<Of<'api-errors'>['error'], string>> = {
  conflict: 'get 409 Conflict',
  throttled: 'get 429 Too Many Requests',
  internal: 'get 500 Internal Server Error',
  silence: 'are not done and not answered',
  late: 'are done and not answered',
  'done-500': 'are done, if they are writes, and get 500 Internal Server Error',
  'done-504': 'are done, if they are writes, and get 504 Gateway Timeout',
}

const WATCHES: Readonly<Record<Of<'watches'>['how'], string>> = {
  closed: 'are closed',
  gone: 'are closed and cannot be resumed (410)',
  silent: 'stay open and say nothing more',
  ended: 'are ended by the server',
  missed: 'do not tell of some changes',
}

function extentOf({ how, gapMs, changes = 1 }: Of<'watches'>): string {
  if (how === 'ended' && gapMs !== undefined) return `, heard ${formatLength(gapMs)} later`
  return how === 'missed' ? `: the next ${changes} of each` : ''
}

const MOMENTS: Readonly<Record<Exclude<StrikeMoment, 'now'>, (nth: number) => string>> = {
  'before-write': (nth) => ` before ${next(nth, 'write')}`,
  'after-write': (nth) => ` after ${next(nth, 'write')}, before the answer`,
  'after-answer': (nth) => ` ${counted(nth, 'turn')} after the answer to its next write`,
  'before-send': (nth) => ` before ${next(nth, 'message')}`,
  'after-send': (nth) => ` after ${next(nth, 'message')}`,
  'after-turns': (nth) => ` after ${counted(nth, 'more turn')}`,
}

function momentOf({ moment = 'now', nth = 1 }: Of<'crash' | 'pause'>): string {
  return moment === 'now' ? '' : MOMENTS[moment](nth)
}

const next = (nth: number, what: string) => (nth === 1 ? `its next ${what}` : `${what} ${nth} from now`)

const DAMAGES: Readonly<Record<Of<'state-file'>['damage'], string>> = {
  'full-disk': 'cannot be written, the disk is full',
  corrupt: 'is cut in half',
  flipped: 'has a bit of it turned',
  foreign: 'is that of another IPPool',
  'version-1': 'is one of an earlier release',
  kept: 'cannot be removed',
  lost: 'is lost',
  old: 'is the old one again',
}

function harm(fault: Of<'messages'> | Of<'packets'>): string {
  const parts: [string, number][] = [
    ['lost', fault.lost],
    ['doubled', fault.doubled],
    ['corrupted', fault.corrupted ?? 0],
    [`up to ${formatLength(fault.delayMs)} late`, fault.delayed],
  ]
  const told = parts.filter(([, share]) => share > 0).map(([what, share]) => `${percent(share)} ${what}`)
  return told.length === 0 ? 'unharmed' : told.join(', ')
}

const end = (name: string) => (name === '*' ? 'everybody' : name)
const percent = (share: number) => `${Math.round(share * 1000) / 10} %`
