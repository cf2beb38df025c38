import type { Fault, StrikeMoment } from '../plan/faults.ts'
import type { Plan } from '../plan/plan.ts'
import type { Chance } from '../world/chance.ts'
import { DAMAGES, MOMENTS, nthOf, watchTrouble } from './blows.ts'
import { PROCESSES } from './cluster.ts'

type Setting = Pick<Plan, 'controllers' | 'networks' | 'durationMs' | 'operations'>

/** Most faults begin at most so long before something is to be done: one that meets nothing shows nothing. */
const AHEAD = 500

/** One fault of any kind, at any time, of anybody. */
export function randomFault(chance: Chance, setting: Setting): Fault {
  const processes = PROCESSES(setting)
  const controllers = processes.filter((name) => name.startsWith('controller'))
  const agents = processes.filter((name) => name.startsWith('agent'))
  const at = anyMoment(chance, setting)
  const lasts = chance.pick([500, 2_000, 5_000, 15_000, 40_000, 90_000])
  const process = () => chance.pick(processes)
  const end = () => chance.pick([...processes, '*', '*'])
  const network = () => chance.pick(setting.networks).name
  const share = () => chance.pick([0.05, 0.2, 0.5, 0.9])
  const rarely = () => (chance.happens(0.5) ? 0 : share())

  const kinds: readonly (() => Fault)[] = [
    () => ({
      type: 'messages',
      at,
      lasts,
      from: end(),
      to: end(),
      lost: rarely(),
      doubled: rarely(),
      delayed: rarely(),
      delayMs: chance.pick([20, 400, 3_000, 20_000]),
      ...(chance.happens(0.3) ? { corrupted: share() } : {}),
    }),
    () => ({ type: 'forger', at, lasts, network: network(), everyMs: chance.pick([40, 500, 4_000]) }),
    () => ({ type: 'cut', at, lasts, ...ends(chance, processes) }),
    () => ({ type: 'broker-down', at, lasts }),
    () => ({ type: 'slow-consumer', at, lasts, process: process(), keeps: chance.pick([0, 3, 100]) }),
    () => ({ type: 'api-down', at, lasts }),
    () => ({
      type: 'api-errors',
      at,
      lasts,
      process: end(),
      share: share(),
      error: chance.pick([
        'conflict',
        'throttled',
        'internal',
        'silence',
        'late',
        'done-500',
        'done-504',
      ] as const),
    }),
    () => ({ type: 'api-slow', at, lasts, process: end(), upToMs: chance.pick([50, 800, 10_000]) }),
    () => ({ type: 'stale-lists', at, lasts, process: end(), behindMs: chance.pick([500, 5_000, 60_000]) }),
    () => ({ type: 'watch-lag', at, lasts, process: end(), upToMs: chance.pick([300, 4_000, 30_000]) }),
    () => watchTrouble(chance, end(), at),
    () => ({
      type: 'crash',
      at,
      process: process(),
      ...struck(chance),
      downMs: chance.pick([1, 300, 3_000, 30_000]),
    }),
    () => ({ type: 'pause', at, lasts, process: process(), ...struck(chance) }),
    () => ({
      type: 'clock-jump',
      at,
      process: process(),
      byMs: chance.pick([-3_600_000, -20_000, 5_000, 60_000, 86_400_000]),
    }),
    () => ({ type: 'clock-drift', at, lasts, process: process(), perMille: chance.pick([-10, 10]) }),
    () => ({
      type: 'state-file',
      at,
      lasts,
      process: chance.pick(agents),
      damage: chance.pick(DAMAGES),
    }),
    () => ({
      type: 'packets',
      at,
      lasts,
      network: network(),
      lost: rarely(),
      doubled: rarely(),
      corrupted: rarely(),
      delayed: rarely(),
      delayMs: chance.pick([5, 300, 8_000]),
    }),
    () => ({ type: 'liar', at, lasts, network: network(), everyMs: chance.pick([20, 500, 4_000]) }),
    () => ({
      type: 'crash',
      at,
      process: chance.pick(controllers),
      moment: 'after-write',
      downMs: chance.pick([1, 5_000]),
    }),
  ]
  return chance.pick(kinds)()
}

function struck(chance: Chance): { moment: StrikeMoment; nth?: number } {
  const moment = chance.pick(['now', 'now', 'now', 'now', ...MOMENTS] as const)
  return { moment, ...nthOf(chance, moment) }
}

function anyMoment(chance: Chance, { operations, durationMs }: Setting): number {
  if (operations.length === 0 || chance.happens(0.4)) return chance.integer(0, durationMs - 1)
  return Math.max(0, chance.pick(operations).at - chance.integer(0, AHEAD))
}

function ends(chance: Chance, processes: readonly string[]): { from: string; to: string } {
  const process = chance.pick(processes)
  const other = chance.pick(['api', 'api', 'broker', ...processes.filter((name) => name !== process)])
  return chance.happens(0.5) ? { from: process, to: other } : { from: other, to: process }
}
