import { type Chance, createChance } from '../world/chance.ts'
import type { Coverage } from './coverage.ts'
import { type FaultWindows, matches } from './windows.ts'

export type ApiError = 'conflict' | 'throttled' | 'internal' | 'refused' | 'done-500' | 'done-504'

/** What becomes of one request to the API. Delays in milliseconds; undefined: it does not arrive. */
export interface ApiFate {
  readonly there: number | undefined
  readonly back: number | undefined
  /** Answered by this; nothing was done, unless the error says so. */
  readonly error?: ApiError
}

export interface ApiFaults {
  /** @param what a verb and a resource, as in `patch ippools/status` */
  request(process: string, what: string, isWrite: boolean): ApiFate
  /** What the API says without being asked, on a watch: how long it is on its way, undefined for not before that is free again. */
  event(process: string): number | undefined
  /** How long after a change a watch tells of it, besides the way. */
  lag(process: string, what: string): number
  /** How old a list may be that the process is shown, in milliseconds. */
  staleness(process: string): number
  isDown(): boolean
  /** Nothing that the process sends arrives. */
  isCut(process: string): boolean
  /** A list was shown that was not as things are. */
  showedStaleList(what: string): void
}

const USUAL_DELAY = [0.3, 4] as const

export function createApiFaults(seed: number, windows: FaultWindows, coverage: Coverage): ApiFaults {
  const chances = new Map<string, Chance>()
  function chanceOf(process: string): Chance {
    const known = chances.get(process)
    if (known !== undefined) return known
    const chance = createChance(seed, `api ${process}`)
    chances.set(process, chance)
    return chance
  }
  const isDown = () => windows.active('api-down').length > 0

  const staleOnes = (process: string) =>
    windows.active('stale-lists').filter((fault) => matches(fault.process, process))

  function slowness(process: string, what: string, chance: Chance): number {
    const slow = windows
      .active('api-slow')
      .filter((fault) => matches(fault.process, process) && (fault.request ?? what) === what)
    if (slow.length > 0) coverage.hit('API slow', what)
    return slow.reduce((sum, fault) => sum + chance.between(0, fault.upToMs), 0)
  }

  return {
    request(process, what, isWrite) {
      const chance = chanceOf(process)
      const there = chance.between(...USUAL_DELAY) + slowness(process, what, chance)
      const back = chance.between(...USUAL_DELAY)
      if (isDown()) {
        coverage.hit('API down', what)
        return { there, back, error: 'refused' }
      }
      if (windows.isCut(process, 'api')) {
        coverage.hit('request cut off', what)
        return { there: undefined, back: undefined }
      }
      if (windows.isCut('api', process)) {
        coverage.hit('answer cut off', what)
        return { there, back: undefined }
      }
      for (const fault of windows.active('api-errors')) {
        if (!matches(fault.process, process) || !chance.happens(fault.share)) continue
        // A conflict is about a write, and only a write can be done in spite of its answer.
        if (/^(conflict|done-)/.test(fault.error) && !isWrite) continue
        coverage.hit(`API ${fault.error}`, what)
        if (fault.error === 'silence') return { there: undefined, back: undefined }
        if (fault.error === 'late') return { there, back: undefined }
        return { there, back, error: fault.error }
      }
      return { there, back }
    },
    event(process) {
      const chance = chanceOf(process)
      const delay = chance.between(...USUAL_DELAY)
      return windows.isCut('api', process) ? undefined : delay
    },
    lag(process, what) {
      const lags = windows.active('watch-lag').filter((fault) => matches(fault.process, process))
      if (lags.length > 0) coverage.hit('watch lag', what)
      const chance = chanceOf(process)
      const random = lags.reduce((sum, fault) => sum + chance.between(0, fault.upToMs), 0)
      // The cache that lists come from is the one that watches are served from.
      const cache = staleOnes(process).map((fault) => Math.min(fault.behindMs, windows.remaining(fault)))
      return Math.max(random, ...cache)
    },
    staleness: (process) => staleOnes(process).reduce((most, { behindMs }) => Math.max(most, behindMs), 0),
    isDown,
    isCut: (process) => windows.isCut(process, 'api'),
    showedStaleList: (what) => coverage.hit('stale list', what),
  }
}
