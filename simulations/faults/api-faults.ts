import { type Chance, createChance } from '../world/chance.ts'
import type { Coverage } from './coverage.ts'
import { type FaultWindows, matches } from './windows.ts'

export type ApiError = 'conflict' | 'throttled' | 'internal' | 'refused'

/** What becomes of one request to the API. Delays in milliseconds; undefined: it does not arrive. */
export interface ApiFate {
  readonly there: number | undefined
  readonly back: number | undefined
  /** Answered by this, and nothing done. */
  readonly error?: ApiError
}

export interface ApiFaults {
  /** @param what a verb and a resource, as in `patch ippools/status` */
  request(process: string, what: string, isWrite: boolean): ApiFate
  /** What the API says without being asked, on a watch: when it arrives, undefined for not before the way is free again. */
  event(process: string): number | undefined
  /** How old a list may be that the process is shown, in milliseconds. */
  staleness(process: string, what: string): number
  isDown(): boolean
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
        // A conflict is about a write.
        if (fault.error === 'conflict' && !isWrite) continue
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
    staleness(process, what) {
      const behind = windows
        .active('stale-lists')
        .filter((fault) => matches(fault.process, process))
        .reduce((most, fault) => Math.max(most, fault.behindMs), 0)
      if (behind > 0) coverage.hit('stale list', what)
      return behind
    },
    isDown,
  }
}
